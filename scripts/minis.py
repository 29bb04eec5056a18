"""Trains the small models that come with the package, again with other seeds.

``python scripts/minis.py OUT [--videos 800] [--seeds 1 2 3] [--processes 16]``: QEVD-synth's train split is made (people
disjoint from those of the test split), read once, and learned from with ``configs/streamvlm_mini.yaml`` and
``configs/biocoach_mini.yaml``, all seeds side by side. Then ``scripts/results.py`` measures them. OUT/streamvlm-mini-1 and
OUT/biocoach-mini-1 are the ones in ``biocoach_model/weights``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from biobench.readers.qevd import load_benchmark
from biobench.records import Benchmark
from biobench.synth.make import make_script
from biobench.synth.write import write_scripts
from biocoach_model.coach import CoachSettings
from biocoach_model.training.examples import Example, prepared
from biocoach_model.training.plan import read_plan, run_prepared

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Makes the data, reads it, trains."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--videos", type=int, default=800)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--epochs", type=int, help="Of the backbone, instead of the settings'.")
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    data = wanted.out / "qevd-synth-train"
    start = time.perf_counter()
    if not data.exists():
        write_scripts([make_script("train", wanted.videos)], data)
    benchmark = load_benchmark(str(data), "train", "bio")
    examples, failures = prepared(benchmark, CoachSettings(), processes=wanted.processes)
    print(
        f"{len(examples)} exercises read in {time.perf_counter() - start:.0f} s, {len(failures)} failures", flush=True
    )
    fork = multiprocessing.get_context("fork")
    running = [
        fork.Process(target=_trained, args=(seed, wanted.out, benchmark, examples, wanted.epochs))
        for seed in wanted.seeds
    ]
    for process in running:
        process.start()
    for process in running:
        process.join()
    print(f"{time.perf_counter() - start:.0f} s in all")
    if any(process.exitcode for process in running):
        raise SystemExit("a training failed")


def _trained(seed: int, out: Path, benchmark: Benchmark, examples: Sequence[Example], epochs: int | None) -> None:
    plan = read_plan(ROOT / "configs" / "streamvlm_mini.yaml")
    training = replace(plan.training, seed=seed, epochs=epochs or plan.training.epochs)
    folder = out / f"streamvlm-mini-{seed}"
    start = time.perf_counter()

    def told(what: str, done: int, total: int) -> None:
        if done % 200 == 0 or done in (20, total):
            print(f"seed {seed}: {what} {done}/{total}, {time.perf_counter() - start:.0f} s", flush=True)

    done = run_prepared(replace(plan, training=training), folder, benchmark, examples, [], told=told)
    print(
        f"seed {seed}: backbone, {done.parameters:,} parameters, {done.report.summary()}, bias {done.answer_bias}",
        flush=True,
    )
    plan = read_plan(ROOT / "configs" / "biocoach_mini.yaml")
    beside = replace(plan, base=folder, training=replace(plan.training, seed=seed))
    done = run_prepared(beside, out / f"biocoach-mini-{seed}", benchmark, examples, [])
    print(
        f"seed {seed}: biocoach-mini, {done.parameters:,} parameters, {done.report.summary()}, "
        f"{time.perf_counter() - start:.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
