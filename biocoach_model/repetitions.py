"""``biobench.body.repetitions`` under the model's own name."""

from biobench.body.repetitions import Repetition, find_repetitions

__all__ = ["Repetition", "find_repetitions"]
