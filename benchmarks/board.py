"""A board of 100, 300 and 1,000 systems on a split of QEVD's size: time and memory of the build, size and sorting of the page.

    python benchmarks/board.py [--systems 100 300 1000] [--clusters people|videos]

The systems are made by taking each segment's record from one of a few real results, so that rows, pairs and scores fit
together. The peer is ``json.loads`` over the same results files: what it takes merely to read them.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path

import numpy as np

from biobench import evaluate, load_benchmark
from biobench.comparison import find_metric
from biobench.models import find_model, run_model
from biobench.problems import Problem
from biobench.records import Predictions
from biobench.synth.make import make_script
from biobench.synth.write import write_scripts
from leaderboard.card import SystemCard

PROTOCOLS = ("biobench-1", "qevd-2024", "var-2026")
BASES = (
    ("oracle-jitter", {"latency_s": 0.5, "jitter_s": 0.4}),
    ("oracle-jitter", {"latency_s": 0.9, "jitter_s": 0.8}),
    ("second-annotator", {}),
    ("donor", {}),
    ("shuffled-text", {}),
)


def main() -> None:
    """Prints one line a size, then what grows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--systems", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--clusters", choices=["people", "videos"], default="people")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="biobench-board-") as temporary:
        work = Path(temporary)
        bases = list(_bases(work / "data", with_people=arguments.clusters == "people"))
        print(f"{len(bases[0]['segments']['biobench-1'])} segments, clusters are {arguments.clusters}, two processes")
        seconds = {}
        for systems in arguments.systems:
            folder = work / "submissions"
            _submissions(folder, bases, systems)
            seconds[systems] = _measure(folder, work / "site", systems)
            shutil.rmtree(folder)
        smallest = min(seconds)
        for systems in sorted(seconds)[1:]:
            factor = seconds[systems] / seconds[smallest] / (systems / smallest)
            print(f"{systems} against {smallest} systems: {factor:.2f} times the time for each system (1: linear)")


def _bases(data: Path, *, with_people: bool) -> Iterator[dict]:
    write_scripts([make_script("test", 74)], data)
    if not with_people:
        next(data.rglob("subjects.json")).unlink()
    benchmark = load_benchmark(data)
    for name, options in BASES:
        entries = run_model(find_model(name), benchmark, options)
        predictions = Predictions(name, "native", "segment", entries, name, "0" * 64)
        results = json.loads(evaluate(predictions, benchmark, PROTOCOLS).to_json())
        results["entries"] = {
            entry.key: [{"time": f.time_s, "text": f.text} for f in entry.feedbacks] for entry in entries
        }
        yield results


def _submissions(folder: Path, bases: list[dict], systems: int) -> None:
    for k in range(systems):
        rng = random.Random(k)
        weights = [rng.random() ** 3 for _ in bases]
        results = {key: value for key, value in bases[0].items() if key != "entries"}
        ids = [record["id"] for record in bases[0]["segments"]["biobench-1"]]
        source = {name: rng.choices(range(len(bases)), weights)[0] for name in ids}
        results["segments"] = {
            protocol: [bases[source[record["id"]]]["segments"][protocol][n] for n, record in enumerate(records)]
            for protocol, records in bases[0]["segments"].items()
        }
        results["scores"] = [_rescored(score, results["segments"][score["protocol"]]) for score in results["scores"]]
        name = f"system-{k:04d}"
        entries = [{"segment": s, "feedbacks": bases[source[s]]["entries"][s]} for s in ids]
        predictions = {
            "schema": "biobench/predictions/1",
            "system": f"{name} 1",
            "time": "segment",
            "predictions": entries,
        }
        _write(folder / f"{name}-1", name, json.dumps(predictions), results)


def _rescored(score: dict, records: list[dict]) -> dict:
    metric = find_metric(score["metric"], score["protocol"])
    if isinstance(metric, Problem) or score["value"] is None:
        return score
    value = float(metric.score(np.sum([record["rows"][score["metric"]] for record in records], axis=0)))
    half = 0.0 if score["low"] is None else (score["high"] - score["low"]) / 2
    return score if np.isnan(value) else {**score, "value": value, "low": value - half, "high": value + half}


def _write(folder: Path, name: str, predictions: str, results: dict) -> None:
    card = SystemCard(
        name=name, version="1", date=date(2026, 11, 1), contact="benchmark", licence="MIT", weights="open", inputs=("video",),
        causal=name[-1] in "02468", exercise_name="given", poses="none", training_data="none", seen_test_videos=False,
        seen_test_people=False, hardware="none", description="A mixture of real results, made for a benchmark.",
        compute_s_per_video_s=0.5,
    )  # fmt: skip
    folder.mkdir(parents=True)
    digest = sha256(predictions.encode()).hexdigest()
    results = {**results, "system": f"{name} 1", "predictions": {**results["predictions"], "sha256": digest}}
    texts = {
        "predictions.json": predictions,
        "system.toml": card.to_toml(),
        "results.json": json.dumps(results, ensure_ascii=False),
    }
    sums = ""
    for file, text in sorted(texts.items()):
        (folder / file).write_text(text, encoding="utf-8")
        sums += f"{sha256(text.encode()).hexdigest()}  {file}\n"
    (folder / "SHA256SUMS").write_text(sums)


def _measure(folder: Path, site: Path, systems: int) -> float:
    gc.disable()  # the peer shall not pay for what this process holds
    started, processor = time.perf_counter(), time.process_time()
    for path in sorted(folder.glob("*/results.json")):
        json.loads(path.read_bytes())
    peer, peer_processor = time.perf_counter() - started, time.process_time() - processor
    gc.enable()
    command = [
        sys.executable,
        "-m",
        "biobench",
        "leaderboard",
        "build",
        str(folder),
        "--out",
        str(site),
        "--processes",
        "2",
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cores = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    index = (site / "index.html").stat().st_size / 1e6
    pages = sum(path.stat().st_size for path in (site / "systems").iterdir()) / 1e6
    print(
        f"{systems} systems: built in {seconds:.1f} s (aim for 1,000: 60 s) with {cores:.1f} s of processor time, "
        f"{cores / peer_processor:.2f} times that of json.loads over the results ({peer_processor:.1f} s; {peer:.1f} s by the "
        f"clock); largest process {after.ru_maxrss / 1024:.0f} MB (aim 2 GB in all); index {index:.2f} MB (aim 3 MB), system "
        f"pages {pages:.0f} MB; {_sorting(site / 'index.html')}",
        flush=True,
    )
    return seconds


def _sorting(index: Path) -> str:
    """The slowest of several sorts in Chromium, layout included."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return "sorting not measured: no chromium"
    from playwright.sync_api import sync_playwright

    script = """async () => {
        const times = [];
        for (const th of document.querySelectorAll('#board th[data-k]')) {
            const button = th.querySelector('button');
            const start = performance.now();
            button.click();
            await new Promise(done => addEventListener('hashchange', done, {once: true}));
            document.body.offsetHeight;
            times.push(performance.now() - start);
        }
        return times;
    }"""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(index.as_uri())
        times = sorted(page.evaluate(script))
        browser.close()
    return f"sort with layout: median {times[len(times) // 2]:.0f} ms, slowest {times[-1]:.0f} ms (aim 100 ms)"


if __name__ == "__main__":
    main()
