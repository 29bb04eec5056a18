"""Systems of the packaged sample, events drawn from them, and exports of a rater who is made up."""

from dataclasses import replace
from functools import cache

from biobench import load_benchmark
from biobench.readers.predictions import load_predictions
from biobench.readers.qevd import sample_folder
from judges.validation.events import Answer, Event, Events, Wanted, answer_id, events_sha256, sample_events

SYSTEMS = ("eager", "late_paraphraser", "metronome5")


@cache
def benchmark():
    return load_benchmark(None)


@cache
def four_systems():
    """Three packaged ones and the second annotator."""
    packaged = [load_predictions(sample_folder() / "predictions" / f"{name}.json", benchmark()) for name in SYSTEMS]
    second = load_predictions(benchmark().second_annotator, benchmark())
    return (*packaged, second)


@cache
def sampled(events=150, videos=50, seed=0):
    return sample_events(benchmark(), four_systems(), events=events, videos=videos, seed=seed)


def renamed(predictions, system):
    return replace(predictions, system=system)


def event(k, *texts, video="v", exercise="squats", reference=None, systems=3):
    """An event of three systems, or of one system a text where texts are given."""
    segment, name = f"{video}_0", f"{video}_0#{k}"
    texts = texts or tuple(f"answer {n} to {k}" for n in range(systems))
    answers = tuple(Answer(answer_id(0, name, text), text, (f"system-{n}",)) for n, text in enumerate(texts))
    return Event(name, video, None, segment, exercise, float(k), reference or f"reference {k} of {video}", answers)


def made(*events):
    return Events({"name": "made", "split": "test", "sha256": "0" * 64}, "biobench-1", 0, Wanted(), tuple(events))


def export(events, rater="Ann", score=lambda event, k: 1 + k % 5, **changes):
    """A complete export without repeats; ``score`` of (event, number of the answer), None for can't say."""
    ratings = []
    for shown in events.events:
        for k, answer in enumerate(shown.answers):
            given = score(shown, k)
            ratings.append({"event": shown.id, "answer": answer.id, "repeat": 0, "score": given,
                            "cannot_say": given is None, "comment": "", "seconds": 2.5})  # fmt: skip
    return {"schema": "biobench/study-ratings/1", "events_sha256": events_sha256(events), "rater": rater,
            "form_seed": 0, "ratings": ratings, "complete": True} | changes  # fmt: skip
