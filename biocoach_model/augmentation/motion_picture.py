"""The motion behind a remark as stick figures: the repetition that shows the fact above, good form below."""

from __future__ import annotations

import numpy as np

from biobench.body.pictures import strip
from biobench.exercises import knowledge
from biobench.synth.bodies import golden_repetition
from biocoach_model.alignment import GRID, aligned, reference
from biocoach_model.augmentation.evidence import Evidence
from biocoach_model.augmentation.records import Fact

__all__ = ["motion_picture"]

_SHOWN = (0.0, 0.5, 1.0)
_CAPTIONS = ("start", "key moment", "end")


def motion_picture(seen: Evidence, fact: Fact) -> str:
    """An SVG of the last repetition that shows a fact, as the camera saw it; good form is turned the same way.

    Of a hold, its end. Empty without a repetition.
    """
    if not seen.judged:
        return ""
    showing = (one for one in seen.judged if any((v.name, v.side) == (fact.name, fact.side) for v in one.faults))
    last = next(showing, seen.judged[0])
    known, side = knowledge(seen.exercise), seen.context.side
    golden = golden_repetition(seen.exercise, side or ("right" if known.sided else None))
    filled = seen.motion.filled()
    times, angles = filled.times_s[filled.valid], filled.angles_rad[filled.valid]
    if known.hold:
        inside = (times >= last.repetition.start_s) & (times <= last.repetition.end_s)
        measured, wanted = np.median(angles[inside], axis=0)[None], golden[-1:].copy()
        columns: tuple[str, ...] = ("held",)
    else:
        places = [int(np.argmin(np.abs(GRID - share))) for share in _SHOWN]
        measured = aligned(angles, times, last.repetition)[places]
        wanted = reference(golden, seen.exercise, last.lead)[places].copy()
        columns = _CAPTIONS
    wanted[:, 2] = measured[:, 2]  # the camera looks at both from where it stood
    title = f"{seen.exercise}: measured before the remark, and good form"
    return strip([("measured", measured), ("good form", wanted)], columns, 0.0, title)
