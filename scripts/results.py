"""What the small models say on QEVD-synth's test split, measured: ``docs/results.md``.

``python scripts/results.py predict OUT`` lets every system speak, once (what OUT/predictions holds is not made again);
``python scripts/results.py report OUT [--write]`` scores them and writes the page, or says that it is old. OUT is the folder of
``scripts/minis.py``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from biobench.files import write_text
from biobench.models import PartlyFailed, find_model, run_model
from biobench.predictions_file import write_predictions
from biobench.readers.qevd import load_benchmark
from biobench.records import Benchmark, Entry
from biobench.synth.bodies import PoseErrors
from biobench.synth.make import VIDEOS, make_script
from biobench.synth.write import write_scripts

PAGE = Path(__file__).resolve().parent.parent / "docs" / "results.md"
SEEDS = (1, 2, 3)
BIASES_DEG = (0.0, 5.0, 10.0, 20.0)
FEWER_VIDEOS = 24
"""What is left out, or made worse, is measured on the first videos of the split."""


@dataclass(frozen=True, slots=True)
class System:
    """One that speaks: a model by its name with options, or a trained folder with changes, or with worse poses."""

    key: str
    model: str = ""
    options: Mapping[str, float | str] | None = None
    folder: str = ""
    changes: Mapping[str, object] | None = None
    errors: PoseErrors | None = None
    fewer: bool = False


def systems() -> list[System]:
    """All of them, the slow ones first."""
    found = [System(f"biocoach-mini-{seed}", folder=f"biocoach-mini-{seed}") for seed in SEEDS]
    changes: dict[str, dict[str, object]] = {
        "no selector": {"selector": "none"},
        "no motion context": {"motion": "none"},
        "exercise name only": {"motion": "name"},
        "no morphometrics": {"morphometrics": False},
        "window 2 s": {"window_s": 2.0},
    }
    found += [System(name, folder="biocoach-mini-1", changes=change, fewer=True) for name, change in changes.items()]
    found += [
        System(f"bias {bias:g}", folder="biocoach-mini-1", errors=PoseErrors(bias_deg=bias), fewer=True)
        for bias in BIASES_DEG[1:]
    ]
    found += [System(f"streamvlm-mini-{seed}", folder=f"streamvlm-mini-{seed}") for seed in SEEDS]
    found += [
        System("retrieval", "retrieval"),
        System("retrieval, features", "retrieval", {"by": "features"}),
        System("rule coach", "rule-coach"),
        System("echo, reference times", "echo", {"when": "reference"}),
        System("echo, every 5 s", "echo", {"when": "timetable"}),
        System("constant talker", "constant-phrase"),
        System("second annotator", "second-annotator"),
    ]
    return found


def held_out(out: Path, *, fewer: bool = False) -> Benchmark:
    """The test split, or its first videos; nobody in it is of the train split."""
    folder = out / ("qevd-synth-test-fewer" if fewer else "qevd-synth-test")
    if not folder.exists():
        out.mkdir(parents=True, exist_ok=True)
        write_scripts([make_script("test", FEWER_VIDEOS if fewer else VIDEOS["test"])], folder)
    return load_benchmark(str(folder), "test", "bio")


def predict(out: Path, processes: int, only: Sequence[str]) -> None:
    """Every system's predictions, side by side."""
    for fewer in (False, True):
        held_out(out, fewer=fewer)
    (out / "predictions").mkdir(exist_ok=True)
    waiting = [s for s in systems() if not place(out, s).exists() and (not only or s.key in only)]
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=1) as pool:
        for key in pool.imap_unordered(_said, [(out, system) for system in waiting]):
            print(key, flush=True)


def place(out: Path, system: System) -> Path:
    """Where a system's predictions are."""
    return out / "predictions" / f"{system.key.replace(',', '').replace(' ', '-')}.json"


def _said(job: tuple[Path, System]) -> str:
    out, system = job
    benchmark = held_out(out, fewer=system.fewer)
    if system.folder:
        import torch  # noqa: PLC0415 - only for these

        from biocoach_model.folders import load_coach  # noqa: PLC0415
        from biocoach_model.models import answers  # noqa: PLC0415

        torch.set_num_threads(1)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        coach = load_coach(out / system.folder, device, **dict(system.changes or {}))
        entries: Sequence[Entry] = answers(coach, benchmark, batch=64 if device == "cuda" else 48, errors=system.errors)
    else:
        try:
            entries = run_model(find_model(system.model), benchmark, dict(system.options or {}))
        except PartlyFailed as partly:
            entries = partly.entries
            print(f"{system.key}: {partly}", file=sys.stderr)
    write_predictions(place(out, system), system.key, entries)
    return system.key


def main() -> None:
    """``predict`` or ``report``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["predict", "report"])
    parser.add_argument("out", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args()
    if wanted.what == "predict":
        predict(wanted.out, wanted.processes, wanted.only)
        return
    from results_page import page  # noqa: PLC0415 - it needs every metric

    text = page(wanted.out)
    if wanted.write:
        write_text(PAGE, text)
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit(f"{PAGE} is out of date: run it with --write")


if __name__ == "__main__":
    main()
