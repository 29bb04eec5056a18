"""A system's texts beside references of other videos: what its words are worth without having seen this one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from judges.llm.items import Item, Question

__all__ = ["chance_questions"]


def chance_questions(items: Sequence[Item]) -> tuple[Question, ...] | None:
    """One question an item, in their order: its own prediction beside the reference of a pair of another video.

    Within an exercise every reference is used once, by a rotation that leaves no pair in its video; where an exercise has
    no such rotation (one video holds more than half of it), the same is done over all such pairs together; what is left
    then takes the references of other videos in turn. None where there is but one video, or none is known.
    """
    videos = {item.video for item in items}
    if len(videos) < 2:
        return None
    donors: dict[int, int] = {}
    left: list[int] = []
    for exercise in sorted({item.exercise for item in items}):
        group = [k for k, item in enumerate(items) if item.exercise == exercise]
        turned = _rotated(group, items)
        if turned is None:
            left += group
        else:
            donors |= turned
    turned = _rotated(left, items)
    if turned is None:
        order = sorted(range(len(items)), key=lambda k: (items[k].video, k))
        for turn, k in enumerate(left):
            others = [other for other in order if items[other].video != items[k].video]
            donors[k] = others[turn % len(others)]
    else:
        donors |= turned
    return tuple(
        Question(item.exercise, items[donors[k]].reference, item.prediction, item.kinematics)
        for k, item in enumerate(items)
    )


def _rotated(group: Sequence[int], items: Sequence[Item]) -> dict[int, int] | None:
    """Each index of a group and the one that lends it its reference; None where one video has more than half."""
    if not group:
        return {}
    most = max(Counter(items[k].video for k in group).values())
    if 2 * most > len(group):
        return None
    # Sorted by video, a rotation by the largest video's size takes every pair out of its own.
    order = sorted(group, key=lambda k: (items[k].video, k))
    return {k: order[(place + most) % len(order)] for place, k in enumerate(order)}
