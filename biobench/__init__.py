"""biobench measures timed coaching feedback: what a system said, when it said it, and how sure the number is."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biobench.evaluation import evaluate as evaluate
    from biobench.problems import ProblemsFound as ProblemsFound
    from biobench.readers.predictions import load_predictions as load_predictions
    from biobench.readers.qevd import load_benchmark as load_benchmark
    from biobench.results import Results as Results

__all__ = ["ProblemsFound", "Results", "__version__", "evaluate", "load_benchmark", "load_predictions"]

__version__ = "0.1.0"

_HOME = {
    "ProblemsFound": "biobench.problems",
    "Results": "biobench.results",
    "evaluate": "biobench.evaluation",
    "load_benchmark": "biobench.readers.qevd",
    "load_predictions": "biobench.readers.predictions",
}


def __getattr__(name: str) -> object:
    """Imports a public name when it is first used, so that ``import biobench`` stays free of numpy."""
    if name not in _HOME:
        raise AttributeError(f"module 'biobench' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
