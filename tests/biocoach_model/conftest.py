"""One core and float32: the same sums on every machine. And data that several tests read."""

import pytest
import torch

from biobench import load_benchmark
from biobench.models import exercise_segments
from biocoach_model.inputs import Inputs


@pytest.fixture(scope="module")
def one_core():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def sample_inputs():
    """The two exercises of the packaged sample's first video, rendered from its script: segments with what there is to see of each."""
    sample = load_benchmark(None, "test", None)
    inputs = Inputs.open(sample, features=True, poses=True, measures=True)
    return [(segment, inputs.of(segment)) for segment in exercise_segments(sample)[:2]]
