"""The review page: every remark before and after, why, and the motion, in one HTML file that opens from disk."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from biobench.harmless import harmless, script_json
from biocoach_model.augmentation.records import REASONS, Fact, Remark
from biocoach_model.augmentation.sidecar import DECISIONS_SCHEMA, counts_of
from biocoach_model.augmentation.wordings import data_text

__all__ = ["review_page"]

_MOST_SHOWN = 600
"""Characters of a remark; the file itself has them all."""
_SIZE = re.compile(r'viewBox="0 0 (\d+) (\d+)"')


def review_page(remarks: Sequence[Remark], made: Mapping[str, object], source_sha256: str, title: str) -> str:
    """The page. Nothing is fetched, what is foreign is escaped, and only our own script may run.

    Decisions are kept in the browser and saved as the JSON that ``--decisions`` reads; those of an earlier run are there.
    """
    style, script = data_text("review.css"), data_text("review.js")
    counts = counts_of(remarks)
    data = {
        "schema": DECISIONS_SCHEMA,
        "source": source_sha256,
        "digest": _digest(remarks, source_sha256),
        "items": [_item(remark) for remark in remarks],
    }
    return (
        _environment()
        .get_template("review.html")
        .render(
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            style_hash=_sha256(style),
            script_hash=_sha256(script),
            title=_seen(title),
            lead=_lead(remarks),
            counts=[
                (n, code if code == "rewritten" else f"kept: {REASONS.get(code, code)}") for code, n in counts.items()
            ],
            items=[_shown(remark) for remark in remarks],
            made=_made(made),
            data=Markup(script_json(data)),  # noqa: S704 - holds no < by construction
        )
    )


def _reviewed(remark: Remark) -> bool:
    """Whether there is something for a person to decide; a remark that one rejected can be taken back."""
    return remark.changed or (remark.kept is not None and remark.kept.code == "rejected")


def _shown(remark: Remark) -> dict[str, object]:
    where = f"{remark.segment or remark.video}, {remark.exercise}" if remark.exercise else remark.video
    return {
        "kind": "rewritten" if _reviewed(remark) else "kept",
        "where": _seen(where) + (f", {remark.at_s:.1f} s" if remark.at_s is not None else ""),
        "before": _seen(remark.before),
        "after": "" if remark.proposed is None else _seen(remark.proposed),
        "why": _why(remark),
        "context": remark.context,
        "pictured": bool(remark.picture),
    }


def _item(remark: Remark) -> dict[str, object]:
    """What the script needs of a remark."""
    reviewed = _reviewed(remark)
    item: dict[str, object] = {"rewritten": reviewed, "decision": ""}
    if reviewed:
        rejected = remark.kept is not None
        item |= {
            "record": remark.record,
            "event": remark.event,
            "after": remark.proposed,
            "decision": "no" if rejected else "yes" if remark.accepted else "",
        }
    size = _SIZE.search(remark.picture)
    if size is not None:
        item |= {"picture": remark.picture, "width": int(size[1]), "height": int(size[2])}
        item["alt"] = f"{remark.exercise}: the last repetition before the remark, and good form below it"
    return item


def _why(remark: Remark) -> str:
    if remark.kept is not None and remark.kept.code != "rejected":
        detail = f" ({_seen(remark.kept.detail)})" if remark.kept.detail else ""
        return f"kept: {REASONS[remark.kept.code]}{detail}"
    fact = remark.fact
    return "" if fact is None else _fact_in_words(fact)


def _fact_in_words(fact: Fact) -> str:
    words = f"measured: {fact.told}"
    if fact.verdict.outcome == "supported":
        return f"{words}; checked ({fact.verdict.reason})"
    return f"{words}; no angle is told, for none can be checked ({fact.verdict.reason})"


def _lead(remarks: Sequence[Remark]) -> str:
    changed = sum(_reviewed(remark) for remark in remarks)
    return (
        f"{changed} of {len(remarks)} remarks have new words. Accept those that mean the same and are right about the body, "
        "reject the others; then save the decisions and give them to biobench augment --decisions. What is left open is "
        "taken as it is."
    )


def _made(made: Mapping[str, object]) -> str:
    told = [
        f"{name} {made[name]}"
        for name in ("biobench", "mode", "model", "prompt", "wordings", "lexicon")
        if name in made
    ]
    return _seen("Made with " + ", ".join(told) + ".")


def _digest(remarks: Sequence[Remark], source_sha256: str) -> str:
    """Tells the decisions of one page from those of another in a browser's storage."""
    words = json.dumps([source_sha256, *[[r.record, r.event, r.proposed] for r in remarks]])
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _seen(text: str) -> str:
    """With what can't be seen, or turns a line around, written out."""
    return harmless(text, _MOST_SHOWN)


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _environment() -> Environment:
    loader = PackageLoader("biocoach_model.augmentation", "data")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
