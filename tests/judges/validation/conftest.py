"""The packaged plan, all that it asks, and simulated ratings: made once."""

import pytest
from mutants import rated_events

from judges.validation.material import material
from judges.validation.plan import packaged_plan, read_plan


@pytest.fixture(scope="session")
def plan(tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "plan.toml"
    path.write_text(packaged_plan())
    return read_plan(path)


@pytest.fixture(scope="session")
def asked(plan):
    return material(plan.sizes, plan.seed)


@pytest.fixture(scope="session")
def people(asked):
    return rated_events(asked)
