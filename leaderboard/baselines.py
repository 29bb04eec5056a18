"""The baselines of a board: run here, and submitted like any system."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import biobench
from biobench.models import PartlyFailed, find_model, run_model
from biobench.problems import ProblemsFound
from biobench.records import Benchmark, Predictions
from leaderboard.card import SystemCard
from leaderboard.submit import submit

__all__ = ["baseline_cards", "submit_baselines"]

_DATE = date(2026, 11, 25)
"""When their cards were written: the same baselines give the same bytes on every day."""


def baseline_cards() -> dict[str, SystemCard]:
    """The card of each baseline, by the name of its model."""
    return {row["model"]: _card(row) for row in _rows()}


def submit_baselines(benchmark: Benchmark, to: Path) -> tuple[list[Path], list[str]]:
    """Submits every baseline that these data allow; gives their folders, and a line for each that they don't allow.

    What a baseline can't answer in part is silence. Raises ``ProblemsFound``, also for a baseline that is there already.
    """
    made, left_out = [], []
    for row in _rows():
        name, card = row["model"], _card(row)
        try:
            entries = run_model(find_model(name), benchmark, row.get("options", {}))
        except PartlyFailed as partly:
            entries = partly.entries
            left_out.append(f"{name}: silent in {len(partly.failures)} exercises; {partly.failures[0].reason}")
        except ProblemsFound as missing:
            left_out.append(f"{name}: {missing.problems[0]}")
            continue
        predictions = Predictions(
            system=name,
            format="native",
            time_origin="segment",
            entries=entries,
            source=f"the model {name}",
            source_sha256="",
        )
        made.append(submit(predictions, benchmark, card, to).folder)
    return made, left_out


def _card(row: dict[str, Any]) -> SystemCard:
    return SystemCard(
        name=row["model"],
        version=biobench.__version__,
        date=_DATE,
        contact="biobench",
        licence="Apache-2.0",
        description=row["description"],
        weights=row.get("weights", "none"),
        inputs=tuple(row.get("inputs", ())),
        causal=row["causal"],
        exercise_name=row.get("exercise_name", "unused"),
        poses=row.get("poses", "none"),
        training_data=row.get("training_data", "none"),
        seen_test_videos=row["seen"],
        seen_test_people=row["seen"],
        hardware="any",
        parameters=row.get("parameters"),
        rate_hz=row.get("rate_hz"),
        baseline=True,
    )


@cache
def _rows() -> list[dict[str, Any]]:
    table: dict[str, Any] = tomllib.loads(
        files("leaderboard").joinpath("data", "baselines.toml").read_text(encoding="utf-8")
    )
    rows: list[dict[str, Any]] = table["baseline"]
    return rows
