"""A board: systems with their scores, and places that the data support, computed once over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from biobench.comparison import Entrant, entrants_board
from biobench.problems import Problem, ProblemsFound
from biobench.results import Json, Score
from biobench.statistics import (
    NotTestable,
    Rank,
    rank_systems,
    smallest_detectable_difference,
    surely_better,
    top_probabilities,
)
from leaderboard.columns import Column, columns, preferred_order
from leaderboard.digest import Digest
from leaderboard.judge_cards import NOT_VALIDATED, JudgeCard
from leaderboard.judged import is_judged

__all__ = ["TOP", "Board", "Standing", "make_board"]

TOP = 3
"""P(top k) is shown for this k."""
_PERFECT = 1 - 1e-9
_WANTED_BASELINES = ("oracle", "silence", "best-timetable", "constant-phrase", "shuffled-times")

Run = Callable[[Callable[[Column], "Standing"], Sequence[Column]], Iterable["Standing"]]
"""Applies a function to many columns, in order: ``map``, or a pool's."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Places under one column, by system id.

    ``unranked`` says of the others why they have none; ``test`` what the places rest on, or why nothing could be tested.
    """

    ranks: Mapping[str, Rank]
    unranked: Mapping[str, str]
    test: str
    tested: bool


@dataclass(frozen=True, slots=True)
class Board:
    """What the page, the exports and the pictures show. ``digests`` are in the order of the page.

    ``standings`` is by column key, for the columns that can be ranked; ``order`` is the column that decides the order.
    ``top`` is the chance to be among the best three, ``smallest_difference`` what the test would just call sure. ``cards`` are
    those of the scorers behind the columns, where any were given.
    """

    title: str
    benchmark: Mapping[str, Json]
    order: Column
    columns: tuple[Column, ...]
    digests: tuple[Digest, ...]
    standings: Mapping[str, Standing]
    top: Mapping[str, float]
    smallest_difference: float | None
    clusters: str
    notes: tuple[str, ...]
    signature: str
    oracle_is_perfect: bool
    cards: tuple[JudgeCard, ...] = ()

    def value(self, digest: Digest, column: Column) -> float | None:
        """A system's score in a column, None where it has none."""
        score = digest.entrant.score(column.metric, column.protocol)
        return None if score is None else score.value

    def word(self, column: Column) -> str:
        """What is known of the scorer behind a column: the word of its card. Nothing where no card was given or is needed."""
        for card in self.cards:
            if column.key in card.columns:
                return card.word
        return NOT_VALIDATED if is_judged(column.metric) else ""

    def word_of(self, score: Score) -> str:
        """The same for one number, in a column or not."""
        for card in self.cards:
            if card.applies_to(score):
                return card.word
        return NOT_VALIDATED if is_judged(score.metric) else ""


def make_board(digests: Sequence[Digest], order: Column | None, title: str, run: Run = map) -> Board:
    """Ranks all systems in every column that can be ranked. ``order`` None: the first preferred column that there is.

    Raises ``ProblemsFound`` for no
    submissions, for submissions made with different data or versions, and for a column that no system has.
    """
    benchmark = _common_benchmark(digests)
    shown = tuple(column for column in columns() if any(_has(digest, column) for digest in digests))
    chosen = order or next((column for column in preferred_order() if column in shown), None)
    if chosen is None or chosen not in shown:
        found = "no system with a score " + ("in any column to order by" if chosen is None else f"in {chosen.key}")
        have = ", ".join(column.key for column in shown if column.ranked) or "none of the systems has any"
        raise ProblemsFound([Problem("--metric", found, f"one of: {have}")])
    ranked = [column for column in shown if column.ranked]
    entrants = [digest.entrant for digest in digests]
    standings = dict(zip([column.key for column in ranked], run(partial(_standing, entrants), ranked), strict=True))
    tested = [digest.entrant for digest in digests if digest.id in standings[chosen.key].ranks]
    top: Mapping[str, float] = {}
    smallest: float | NotTestable | None = None
    if len(tested) > 1:
        table = entrants_board(tested, chosen.metric, chosen.protocol)
        top = top_probabilities(table, TOP)
        smallest = smallest_detectable_difference(table)
    return Board(
        title=title,
        benchmark=benchmark,
        order=chosen,
        columns=shown,
        digests=tuple(sorted(digests, key=partial(_place, standings[chosen.key]))),
        standings=standings,
        top=top,
        smallest_difference=smallest if isinstance(smallest, float) else None,
        clusters=_clusters(digests, chosen),
        notes=tuple(_notes(digests, standings[chosen.key])),
        signature=_shared_signature(digests, chosen),
        oracle_is_perfect=all(_is_perfect(digest) for digest in digests if _is_oracle(digest)),
    )


def _has(digest: Digest, column: Column) -> bool:
    score = digest.entrant.score(column.metric, column.protocol)
    return score is not None and score.value is not None


def _common_benchmark(digests: Sequence[Digest]) -> Mapping[str, Json]:
    if not digests:
        raise ProblemsFound([Problem("submissions", "none", "at least one", "biobench submit makes one")])
    keys = ("name", "split", "annotations", "sha256", "exercise")
    of_each = [tuple(str(digest.benchmark.get(key)) for key in keys) for digest in digests]
    (most, _), *others = Counter(of_each).most_common()
    problems = [
        Problem(
            digest.id,
            "results on " + _told(keys, own, most),
            "the data of the other submissions: " + _told(keys, most, own),
            "one board holds one split of one version of the data",
        )
        for digest, own in zip(digests, of_each, strict=True)
        if own != most and others
    ]
    if problems:
        raise ProblemsFound(problems)
    return digests[of_each.index(most)].benchmark


def _told(keys: Sequence[str], these: Sequence[str], those: Sequence[str]) -> str:
    return ", ".join(f"{key} {a[:60]}" for key, a, b in zip(keys, these, those, strict=True) if a != b)


def _standing(entrants: Sequence[Entrant], column: Column) -> Standing:
    """The places of one column: a joint test over all systems with a score and an entry for every segment."""
    unranked, contenders = {}, []
    for one in entrants:
        score = one.score(column.metric, column.protocol)
        if score is None:
            unranked[one.system] = f"no {column.metric} under {column.protocol}"
        elif score.value is None:
            unranked[one.system] = score.reason or "no score"
        elif not one.complete.get(column.protocol, False):
            unranked[one.system] = "incomplete coverage"
        elif (column.protocol, column.metric) not in one.sums:
            unranked[one.system] = "no rows to compare by"
        else:
            contenders.append(one)
    scores = {one.system: _value(one, column) for one in contenders}
    if len(contenders) < 2:
        ranks = {rank.name: rank for rank in rank_systems(scores)}
        return Standing(ranks, unranked, "fewer than two systems to compare", tested=False)
    table = entrants_board(contenders, column.metric, column.protocol)
    found = surely_better(table)
    better: Iterable[tuple[str, str]] = () if isinstance(found, NotTestable) else found
    # The table's own scores decide: a searched chance level may differ from the stored value in the last digits.
    own = dict(zip(table.names, table.scores.tolist(), strict=True))
    ranks = {rank.name: rank for rank in rank_systems(own, better, higher_is_better=table.higher_is_better)}
    unranked |= {left.name: left.reason for left in table.left_out}
    if isinstance(found, NotTestable):
        return Standing(ranks, unranked, f"not testable: {found.reason}", tested=False)
    method = "all sign vectors" if len(table.clusters) <= 14 else "9,999 drawn sign vectors"
    return Standing(
        ranks, unranked, f"joint sign-flip test over {len(table.clusters)} clusters, {method}, alpha 0.05", tested=True
    )


def _value(one: Entrant, column: Column) -> float:
    score = one.score(column.metric, column.protocol)
    return score.value if score is not None and score.value is not None else float("nan")


def _place(standing: Standing, digest: Digest) -> tuple[int, int, int, str]:
    """Ranked systems in the order of tiers and scores, the others after them by name."""
    order = list(standing.ranks)
    if digest.id in standing.ranks:
        return 0, standing.ranks[digest.id].tier, order.index(digest.id), digest.id
    return 1, 0, 0, digest.id


def _clusters(digests: Sequence[Digest], column: Column) -> str:
    for digest in digests:
        score = digest.entrant.score(column.metric, column.protocol)
        if score is not None:
            return f"{score.clusters} {score.cluster_unit}{'s' * (score.clusters != 1)}"
    return ""


def _shared_signature(digests: Sequence[Digest], column: Column) -> str:
    for digest in digests:
        score = digest.entrant.score(column.metric, column.protocol)
        if score is not None:
            return score.signature
    return ""


def _is_oracle(digest: Digest) -> bool:
    return digest.card.baseline and digest.card.name == "oracle"


def _is_perfect(digest: Digest) -> bool:
    score = digest.entrant.score("t_f_score", "biobench-1")
    return score is None or (score.value is not None and score.value >= _PERFECT)


def _notes(digests: Sequence[Digest], standing: Standing) -> Iterable[str]:
    """What a reader should know before anything else."""
    baselines = {digest.card.name: digest for digest in digests if digest.card.baseline}
    if "oracle" in baselines and not _is_perfect(baselines["oracle"]):
        yield "the oracle is not perfect: something is wrong with the data or the code"
    missing = [name for name in _WANTED_BASELINES if name not in baselines]
    if missing:
        yield (
            f"no {', '.join(missing)} on this board: without them nobody sees what a score is worth "
            "(biobench leaderboard baselines adds them)"
        )
    if not standing.tested:
        yield f"places are not told apart: {standing.test}"
    if all(digest.benchmark.get("subjects") is None for digest in digests):
        yield (
            "nobody knows who is in which video: videos are taken as independent, so intervals are too narrow "
            "and places too sure if people differ"
        )
