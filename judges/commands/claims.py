"""``biobench claims``: what a remark claims about the body, and what two remarks have in common."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from biobench.cli import options
from biobench.problems import Problem, ProblemsFound

if TYPE_CHECKING:
    from judges.claims import BioClaim, Claim, Quantity, Understood

__all__ = ["command"]

_WIDTH = 80
_INDENT = "   "
_LONGEST = 2_000
"""Characters of a remark; longer ones are refused, as in a predictions file they are no remark either."""


@click.command("claims")
@click.argument("text")
@click.option("--exercise", metavar="NAME", help='What is being done, such as squats: it gives "deeper" its joints.')
@click.option("--against", metavar="TEXT", help="A reference: also what both have in common, and what contradicts it.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(text: str, exercise: str | None, against: str | None, form: str) -> None:
    """Say what a remark claims about the body.

    TEXT is the remark; - reads one a line from standard input. No network and no model is used. JSON is one object a remark,
    one a line.
    """
    from judges.claims import compare, understand  # noqa: PLC0415 - not needed for --help

    if exercise is not None:
        _warn_of_unknown(exercise)
    reference = None if against is None else _checked(against, "--against")
    for number, remark in enumerate(_remarks(text)):
        if reference is None:
            understood, found = understand(remark, exercise), None
        else:
            found = compare(reference, remark, exercise)
            understood = found.prediction
        if form == "json":
            record = _record(remark, exercise, understood)
            if found is not None and reference is not None:
                record = {
                    "prediction": record,
                    "reference": _record(reference, exercise, found.reference),
                    "bioclaim": _comparison(found),
                }
            options.echo_utf8(json.dumps(record, ensure_ascii=False) + "\n")
            continue
        lines = [*([""] if number else []), *_told(remark, understood)]
        if found is not None and reference is not None:
            lines += ["", "against", "", *_told(reference, found.reference), "", *_compared(found)]
        click.echo("\n".join(lines))


def _warn_of_unknown(exercise: str) -> None:
    from biobench.exercises import find_exercise, names  # noqa: PLC0415 - not needed for --help
    from biobench.readers.defects import nearest  # noqa: PLC0415

    if find_exercise(exercise) is None:
        hint = nearest(exercise, names())
        told = f'"{options.seen(exercise)}" is no exercise of the catalogue, taken as not known'
        click.echo(f"biobench: --exercise: {told}" + (f"; {hint}" if hint else ""), err=True)


def _remarks(text: str) -> Iterator[str]:
    """The text, or each line of standard input that is not blank. Raises ``ProblemsFound``."""
    if text != "-":
        yield _checked(text, "TEXT")
        return
    for number, line in enumerate(sys.stdin.buffer, 1):
        place = f"standard input, line {number}"
        try:
            decoded = line.decode().strip()
        except UnicodeDecodeError:
            raise ProblemsFound([Problem(place, "bytes that are no UTF-8", "one remark a line, in UTF-8")]) from None
        if decoded:
            yield _checked(decoded, place)


def _checked(text: str, place: str) -> str:
    if len(text) > _LONGEST:
        expected = f"at most {_LONGEST:,} characters"
        raise ProblemsFound([Problem(place, f"{len(text):,} characters", expected, "give one remark at a time")])
    return text.encode(errors="replace").decode()


# As JSON -------------------------------------------------------------------------------------------------------------


def _record(text: str, exercise: str | None, understood: Understood) -> dict[str, object]:
    return {
        "text": text,
        "exercise": exercise,
        "unknown_exercise": understood.unknown_exercise,
        "kind": understood.kind,
        "numbers": [list(number) for number in understood.numbers],
        "claims": [
            {**asdict(claim), "span": list(claim.span), "words": text[claim.span.start : claim.span.end]}
            for claim in understood.claims
        ],
    }


def _comparison(found: BioClaim) -> dict[str, object]:
    """Places count the technique claims of either text, from 0."""
    return {
        "precision": found.precision,
        "recall": found.recall,
        "f1": found.f1,
        "net": found.net,
        "matched": [
            {
                "reference": i,
                "prediction": j,
                "likeness": alike.both,
                "of_prediction": alike.of_prediction,
                "of_reference": alike.of_reference,
            }
            for i, j, alike in found.matched
        ],
        "contradicting": [{"reference": i, "prediction": j} for i, j in found.contradicting],
        "reference_claims": found.reference_claims,
        "prediction_claims": found.prediction_claims,
        "invented_numbers": found.invented_numbers,
        "prediction_numbers": found.prediction_numbers,
        "sides_compared": found.sides_compared,
        "side_agrees": found.side_agrees,
        "angle_errors_deg": list(found.angle_errors_deg),
        "kind_agrees": found.kind_agrees,
    }


# As text -------------------------------------------------------------------------------------------------------------


def _told(text: str, understood: Understood) -> list[str]:
    """The remark with its claims underlined and numbered, then each claim in words."""
    lines = [*_underlined(text, understood.claims), "", f"kind: {understood.kind}"]
    if not understood.claims:
        lines.append("no claim")
    for number, claim in enumerate(understood.claims, 1):
        words = options.seen(text[claim.span.start : claim.span.end])
        head = f'{number}. "{words}": {claim.family}'
        lines += textwrap.wrap(head, _WIDTH, subsequent_indent=_INDENT)
        slots = (
            " · ".join(_slots(claim))
            .replace(" ", "\N{NO-BREAK SPACE}")
            .replace("\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}", " · ")
        )
        wrapped = textwrap.wrap(slots, _WIDTH - len(_INDENT), break_on_hyphens=False)
        lines += [_INDENT + line.replace("\N{NO-BREAK SPACE}", " ") for line in wrapped]
    return lines


def _underlined(text: str, claims: Sequence[Claim]) -> list[str]:
    """The text in lines of at most 80 columns; under each, as many lines as spans stand over one another."""
    shown = [options.seen(character) for character in text]
    spans: dict[tuple[int, int], list[str]] = {}
    for number, claim in enumerate(claims, 1):
        spans.setdefault((claim.span.start, claim.span.end), []).append(str(number))
    lines = []
    for start, end in _lines(shown):
        lines.append("".join(shown[start:end]))
        columns = [0]
        for cell in shown[start:end]:
            columns.append(columns[-1] + len(cell))
        rows: list[list[str]] = []
        for (first, last), numbers in sorted(spans.items()):
            begin, stop = max(first, start), min(last, end)
            if begin >= stop:
                continue
            left, right = columns[begin - start], columns[stop - start]
            label = ",".join(numbers) if first >= start else ""
            _place(rows, left, label.ljust(right - left, "^")[: _WIDTH - left])
        lines += ["".join(row).rstrip() for row in rows]
    return lines or [""]


def _place(rows: list[list[str]], left: int, mark: str) -> None:
    """Writes the mark into the first row that is free there."""
    for row in rows:
        row.extend(" " * (left + len(mark) + 1 - len(row)))
        if not "".join(row[max(0, left - 1) : left + len(mark) + 1]).strip():
            break
    else:
        row = [" "] * (left + len(mark) + 1)
        rows.append(row)
    row[left : left + len(mark)] = mark


def _lines(shown: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where each line begins and ends, broken at spaces where there are any."""
    start = 0
    while start < len(shown):
        end, width = start, 0
        while end < len(shown) and width + len(shown[end]) <= _WIDTH:
            width += len(shown[end])
            end += 1
        end = max(end, start + 1)
        if end < len(shown) and shown[end] != " ":
            space = next((k for k in range(end - 1, start, -1) if shown[k] == " "), None)
            end = end if space is None else space
        yield start, end
        start = end
        while start < len(shown) and shown[start] == " ":
            start += 1


def _slots(claim: Claim) -> Iterator[str]:
    if claim.joint:
        yield f"joint {claim.joint}"
    if claim.side:
        yield f"side {claim.side}"
    if claim.direction:
        yield f"wanted: {claim.direction}"
    if claim.dof:
        yield f"seen in {claim.dof}"
    if claim.quantity is not None:
        yield _quantity(claim.quantity)
    elif claim.reps is not None:
        yield f"repetitions {claim.reps}"
    if claim.rom:
        yield {"short": "range too small", "full": "range full", "beyond": "range too large"}[claim.rom]
    if claim.phase:
        yield f"phase {claim.phase}"
    if claim.polarity:
        yield {"fault": "wrong now", "fine": "right now", "asked": "asked for"}[claim.polarity]
    if claim.family == "technique":
        yield f"harm: {claim.harm}"


def _quantity(quantity: Quantity) -> str:
    number = f"{quantity.low:g}" if quantity.low == quantity.high else f"{quantity.low:g} to {quantity.high:g}"
    told = f"{number}°" if quantity.unit == "deg" else f"{number} repetitions"
    return f"{ {'eq': '', 'ge': 'at least ', 'le': 'at most '}[quantity.comparison] }{told} ({quantity.role})"


def _compared(found: BioClaim) -> list[str]:
    names = [_numbers(found.reference), _numbers(found.prediction)]
    lines = []
    for i, j, alike in found.matched:
        lines.append(
            f"claim {names[1][j]} matches the reference's {names[0][i]}: likeness {alike.both:.2f} "
            f"({alike.of_prediction:.2f} of its own slots, {alike.of_reference:.2f} of the other's)"
        )
    lines += [f"claim {names[1][j]} CONTRADICTS the reference's {names[0][i]}" for i, j in found.contradicting]
    if not lines and (found.reference_claims or found.prediction_claims):
        lines.append("no claim matches and none contradicts")
    if found.f1 is None:
        lines.append("BioClaim: none, neither text claims anything about technique")
    else:
        values = ("precision", found.precision), ("recall", found.recall), ("f1", found.f1), ("net", found.net)
        told = ", ".join(f"{name} {value:.2f}" for name, value in values if value is not None)
        lines.append(f"BioClaim: {told}; contradictions {found.contradictions}")
    if found.prediction_numbers:
        lines.append(f"numbers: {found.prediction_numbers} told, {found.invented_numbers} not in the reference")
    if found.angle_errors_deg:
        lines.append("angles apart: " + ", ".join(f"{error:g}°" for error in found.angle_errors_deg))
    return [line for told in lines for line in textwrap.wrap(told, _WIDTH, subsequent_indent=_INDENT)]


def _numbers(understood: Understood) -> list[int]:
    """The printed number of each technique claim, in their order."""
    return [number for number, claim in enumerate(understood.claims, 1) if claim.family == "technique"]
