"""A benchmark as a Hugging Face ``datasets.Dataset``, one row a video."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datasets

    from biobench.records import Benchmark, Session

__all__ = ["to_dataset"]


def to_dataset(benchmark: Benchmark) -> datasets.Dataset:
    """One row a video, with typed features.

    ``frame_times_s`` and every time in ``events`` are seconds on the annotation clock; ``events`` are the remarks as the
    annotation file holds them (spans of equal text, transitions among them), ``time_s`` and ``is_transition`` null where
    the record's counts disagree. Paths are absolute strings, null where the file is absent.
    """
    import datasets  # noqa: PLC0415 - heavy, imported only when asked for

    features = datasets.Features(
        {
            "video": datasets.Value("string"),
            "subject": datasets.Value("string"),
            "split": datasets.Value("string"),
            "frame_times_s": datasets.List(datasets.Value("float64")),
            "events": datasets.List(
                {
                    "text": datasets.Value("string"),
                    "first_frame": datasets.Value("int64"),
                    "end_frame": datasets.Value("int64"),
                    "time_s": datasets.Value("float64"),
                    "is_transition": datasets.Value("bool"),
                }
            ),
            "exercises": datasets.List(
                {
                    "segment": datasets.Value("string"),
                    "name": datasets.Value("string"),
                    "start_s": datasets.Value("float64"),
                    "end_s": datasets.Value("float64"),
                }
            ),
            "features_path": datasets.Value("string"),
            "poses_path": datasets.Value("string"),
            "video_path": datasets.Value("string"),
        }
    )
    rows = [_row(session, benchmark.split) for session in benchmark.sessions]
    return datasets.Dataset.from_list(rows, features=features)


def _row(session: Session, split: str) -> dict[str, object]:
    times, transitions = session.feedback_times_s, session.is_transition
    events = session.events()
    if len(events) != len(times):
        events = ()
    return {
        "video": session.video,
        "subject": session.subject,
        "split": split,
        "frame_times_s": session.frame_times_s,
        "events": [
            {
                "text": span.text,
                "first_frame": span.first,
                "end_frame": span.end,
                "time_s": times[k] if events else None,
                "is_transition": transitions[k] if events else None,
            }
            for k, span in enumerate(events or session.spans)
        ],
        "exercises": [
            {"segment": segment, "name": exercise.name, "start_s": exercise.start_s, "end_s": exercise.end_s}
            for segment, exercise in zip(session.segment_ids, session.exercises(), strict=False)
        ],
        **{
            name: None if path is None else str(path.resolve())
            for name, path in (
                ("features_path", session.features_path),
                ("poses_path", session.poses_path),
                ("video_path", session.video_path),
            )
        },
    }
