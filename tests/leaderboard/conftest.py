"""One folder of submissions and one site, made once by whichever process comes first; and a real browser."""

import json
from pathlib import Path

import pytest
from commands import biobench, made_once

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def submissions(tmp_path_factory):
    """All baselines, and a system with hostile texts and another that answers half of the segments."""

    def make(folder):
        done = biobench("leaderboard", "baselines", "--to", folder)
        assert done.returncode == 0, done.stderr
        for name, card, preds in systems(folder.parent):
            done = biobench("submit", preds, "--system", card, "--to", folder)
            assert done.returncode == 0, (name, done.stderr)

    return made_once(tmp_path_factory, "submissions", make)


NASTY = [
    "</script><script>window.pwned = 1</script>",
    '<img src=x onerror="window.pwned = 1">',
    "<!-- <b>bold</b> -->",
    "\u202egnitset\u202c \u200bzero\u200b width \u2066isolated",
    "'; window.pwned = 1; //",
    "שלום עולם lower your hips",
]

CARD = """schema = "biobench/system/1"
name = "{name}"
version = "1.0"
date = 2026-11-01
contact = "someone@example.org"
licence = "MIT"
description = "{description}"
weights = "{weights}"
inputs = ["video"]
causal = {causal}
exercise_name = "{exercise_name}"
poses = "{poses}"
training_data = "<script>window.pwned = 1</script>"
seen_test_videos = false
seen_test_people = {seen}
hardware = "one </script> card"
compute_s_per_video_s = {compute}
"""


def systems(folder):
    """Cards and predictions of two systems of the test's own."""
    from biobench import load_benchmark
    from biobench.models import exercise_segments

    segments = exercise_segments(load_benchmark(None))
    nasty = [
        {"segment": s.id, "feedbacks": [{"time": f.time_s + 0.6, "text": NASTY[k % len(NASTY)]} for k, f in enumerate(s.feedbacks)]}
        for s in segments
    ]  # fmt: skip
    half = [
        {"segment": s.id, "feedbacks": [{"time": f.time_s, "text": f.text} for f in s.feedbacks]} for s in segments[::2]
    ]
    cards = {
        "nasty": {"name": "<script>window.pwned = 1</script>", "description": "<b>bold</b> & <i>sly</i>", "weights": "open",
                  "causal": "true", "exercise_name": "given", "poses": "benchmark", "seen": "true", "compute": 0.4},
        "half": {"name": "half-coach", "description": "answers every other segment", "weights": "closed",
                 "causal": "false", "exercise_name": "inferred", "poses": "own", "seen": "false", "compute": 2.5},
    }  # fmt: skip
    for name, entries in (("nasty", nasty), ("half", half)):
        preds, card = folder / f"{name}.json", folder / f"{name}.toml"
        preds.write_text(
            json.dumps({"schema": "biobench/predictions/1", "system": name, "time": "segment", "predictions": entries})
        )
        card.write_text(CARD.format(**cards[name]))
        yield name, card, preds


@pytest.fixture(scope="session")
def site(submissions, tmp_path_factory):
    def make(folder):
        done = biobench("leaderboard", "build", submissions, "--out", folder, "--title", "Test </title><script>board")
        assert done.returncode == 0, done.stderr

    return made_once(tmp_path_factory, "site", make)


class Watched:
    """A page of which every console message, error and request is kept."""

    def __init__(self, context):
        self.page = context.new_page()
        self.said, self.asked = [], []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def assert_quiet(self):
        assert self.said == []
        foreign = [url for url in self.asked if not url.startswith(("file:", "data:"))]
        assert foreign == []
        assert self.page.evaluate("window.pwned") is None


@pytest.fixture
def opened(browser):
    """``opened(path, width=1440, **context options)`` gives a watched page."""
    contexts = []

    def open_page(path, width=1440, fragment="", **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        watched = Watched(context)
        watched.page.goto(path.as_uri() + fragment)
        return watched

    yield open_page
    for context in contexts:
        context.close()
