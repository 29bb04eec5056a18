"""Settings of a training: what is read, and everything that is wrong with it at once."""

import math
from dataclasses import asdict, fields

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from biobench.problems import ProblemsFound
from biocoach_model.training.settings import TrainingSettings, settings_from


def problems_of(text):
    with pytest.raises(ProblemsFound) as caught:
        settings_from(yaml.safe_load(text), "train.yaml")
    assert {problem.file for problem in caught.value.problems} == {"train.yaml"}
    return {problem.json_path: problem for problem in caught.value.problems}


def test_defaults_are_the_papers():
    settings = settings_from({}, "train.yaml")
    assert settings == TrainingSettings()
    assert (settings.learning_rate, settings.batch_size, settings.accumulate) == (2e-5, 8, 1)


def test_every_setting_can_be_read():
    text = """
    seed: 3
    epochs: 4
    batch_size: 2
    accumulate: 5
    learning_rate: 1
    weight_decay: 0
    betas: [0, 0.95]
    warmup_steps: 10
    schedule: cosine
    clip_norm: 1
    device: cpu
    precision: bfloat16
    validate_every: 2
    validate_unit: steps
    patience: 3
    checkpoint_every_steps: 7
    log: both
    most_steps: 100
    length_buckets: 1
    """
    mapping = yaml.safe_load(text)
    assert set(mapping) == {field.name for field in fields(TrainingSettings)}
    settings = settings_from(mapping, "train.yaml")
    assert asdict(settings) == {**mapping, "betas": (0.0, 0.95)}
    assert all(settings != TrainingSettings(**{**asdict(settings), name: value})
               for name, value in asdict(TrainingSettings()).items())  # fmt: skip
    # Numbers are floats however YAML wrote them: a resume compares them.
    assert isinstance(settings.learning_rate, float)
    assert isinstance(settings.clip_norm, float)


def test_null_turns_off_what_can_be_off():
    settings = settings_from(yaml.safe_load("{clip_norm: null, most_steps: null}"), "train.yaml")
    assert (settings.patience, settings.clip_norm, settings.most_steps) == (0, None, None)
    assert set(problems_of("{epochs: null, seed: ~}")) == {"training.epochs", "training.seed"}


def test_all_problems_come_at_once_with_their_places():
    found = problems_of("""
    epochs: 0
    batch_size: 2.0
    accumulate: true
    learning_rate: 2e-5
    betas: [0.9, 1.0]
    schedule: Cosine
    clip_norm: .inf
    patience: -1
    warmup: 3
    precision: .nan
    """)
    assert set(found) == {"training"} | {
        f"training.{name}"
        for name in (
            "epochs", "batch_size", "accumulate", "learning_rate", "betas", "schedule", "clip_norm", "patience", "precision",
        )
    }  # fmt: skip
    assert found["training"].hint == 'did you mean "warmup_steps"?'
    assert '"warmup"' in found["training"].found
    assert str(found["training.epochs"]) == "train.yaml training.epochs: found 0, expected a whole number from 1"
    assert found["training.schedule"].expected == "one of constant, cosine"
    assert found["training.clip_norm"].expected == "a number above 0, or null"


def test_a_number_that_yaml_takes_for_a_text_is_explained():
    assert isinstance(yaml.safe_load("2e-5"), str)
    assert "2.0e-5" in problems_of("learning_rate: 2e-5")["training.learning_rate"].hint
    assert not problems_of("learning_rate: fast")["training.learning_rate"].hint
    assert settings_from(yaml.safe_load("learning_rate: 2.0e-5"), "train.yaml").learning_rate == 2e-5


def test_float16_needs_a_gpu():
    assert set(problems_of("{device: cpu, precision: float16}")) == {"training.precision"}
    assert settings_from({"device": "auto", "precision": "float16"}, "train.yaml").precision == "float16"


@pytest.mark.parametrize("value", [None, 3, "fast", [1], ["epochs"]])
def test_settings_are_a_mapping(value):
    with pytest.raises(ProblemsFound, match="train.yaml learning: found"):
        settings_from(value, "train.yaml", under="learning")


def test_the_dataclass_refuses_what_a_file_may_not_say():
    with pytest.raises(ValueError, match="batch_size.*\n.*schedule"):
        TrainingSettings(batch_size=0, schedule="linear")


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.floats(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2), st.sampled_from(["cosine", "cpu", "float16", "2e-5"]),
)  # fmt: skip
names = st.one_of(
    st.sampled_from([field.name for field in fields(TrainingSettings)]), st.text(max_size=5), st.integers()
)


@given(st.dictionaries(names, values, max_size=6))
def test_whatever_yaml_holds_there_are_settings_or_problems(mapping):
    try:
        settings = settings_from(mapping, "train.yaml")
    except ProblemsFound as problems:
        # One that is refused in company is refused alone.
        for key, value in mapping.items():
            if any(problem.json_path == f"training.{key}" for problem in problems.problems) and key != "precision":
                with pytest.raises(ProblemsFound):
                    settings_from({key: value}, "train.yaml")
        return
    assert all(math.isfinite(value) for value in asdict(settings).values() if isinstance(value, float))
    assert settings_from(asdict(settings), "again.yaml") == settings
