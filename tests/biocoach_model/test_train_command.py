"""``biobench train`` and ``biobench predict trained`` as a user meets them: a model from nothing, and what goes wrong."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from click.testing import CliRunner

from biobench.body.hsmr import read, write
from biobench.cli.predict import command as predict_command
from biobench.cli.validate import command as validate_command
from biobench.problems import ProblemsFound
from biobench.synth.bodies import PoseErrors
from biobench.synth.make import make_script
from biobench.synth.write import Rendering, write_scripts
from biocoach_model.commands.train import command as train_command
from biocoach_model.training.stages import StreamTask

pytestmark = pytest.mark.usefixtures("one_core")

SHAPE = {
    "vocabulary": 300, "hidden": 16, "intermediate": 16, "layers": 2, "heads": 2, "adapter_layers": [0], "attn_dim": 8,
    "longest": 400,
}  # fmt: skip
TRAINING = {"epochs": 1, "batch_size": 2, "learning_rate": 0.01, "device": "cpu"}
TEST = "QEVD-FIT-COACH-Benchmark"


def invoked(command, *arguments):
    """Exit status, printed lines and, for bad input, the problems; any other exception is a traceback for the user."""
    done = CliRunner().invoke(command, [str(a) for a in arguments])
    if isinstance(done.exception, ProblemsFound):
        return 2, done.output, [str(problem) for problem in done.exception.problems]
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    return done.exit_code, done.output, []


def plan(folder, name, **changes):
    path = folder / f"{name}.yaml"
    content = {"data": {"root": str(folder / "train"), "annotations": "bio", "validation_videos": 1}, **changes}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def stream_plan(folder, name="stream", **training):
    # So ready to speak that a model of three steps does.
    learn = {"answer_biases": [9.0]}
    return plan(folder, name, stage="streamvlm", model=SHAPE, learn=learn, training={**TRAINING, **training})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Data of four videos, a backbone, and a coach on it."""
    folder = tmp_path_factory.mktemp("trained")
    write_scripts([make_script("train", 4, exercises=2)], folder / "train")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        printed = invoked(train_command, "--config", stream_plan(folder), "--out", folder / "stream")
        assert printed[0] == 0, printed
        coach = plan(
            folder,
            "coach",
            stage="biocoach",
            base=str(folder / "stream"),
            model={"selector_hidden": 8},
            training=TRAINING,
        )
        printed = invoked(train_command, "--config", coach, "--out", folder / "coach")
        assert printed[0] == 0, printed
        torch.set_num_threads(threads)
    return folder


@pytest.fixture(scope="module")
def test_data(tmp_path_factory):
    """Four exercises of two videos, every file written, and no script to render from."""
    out = tmp_path_factory.mktemp("seen") / "data"
    write_scripts([make_script("test", 2, exercises=2)], out, Rendering(PoseErrors(), features=True))
    (out / TEST / "script.json").unlink()
    return out


@pytest.fixture(scope="module")
def answered(made, test_data, tmp_path_factory):
    """What the coach says of whole data: the file."""
    out = tmp_path_factory.mktemp("answered") / "p.json"
    status, printed, problems = predicted(made, test_data, out)
    assert status == 0, (printed, problems)
    return out


@pytest.fixture
def damaged(test_data, tmp_path):
    return shutil.copytree(test_data, tmp_path / "data")


def predicted(made, data, out, model="coach", **options):
    chosen = [part for name, value in options.items() for part in ("--option", f"{name}={value}")]
    return invoked(
        predict_command, "trained", "--option", f"folder={made / model}", *chosen, "--data", data, "--out", out
    )


def remarks_of(path):
    return {entry["segment"]: entry["feedbacks"] for entry in json.loads(path.read_text())["predictions"]}


# --- training


def test_both_stages_leave_whole_folders(made):
    for name, kind in (("stream", "stream-vlm"), ("coach", "biocoach")):
        model = json.loads((made / name / "model.json").read_text())
        assert model["kind"] == kind
        assert model["made"]["data"]["exercises"] == 8
        assert str(made) not in (made / name / "model.json").read_text()
        assert (made / name / "weights.safetensors").stat().st_size > 1000
        assert (made / name / "training" / "log.csv").is_file()
    assert json.loads((made / "coach" / "model.json").read_text())["base"] == "../stream"


def test_an_existing_model_is_not_overwritten(made):
    before = (made / "stream" / "weights.safetensors").read_bytes()
    status, _, problems = invoked(train_command, "--config", made / "stream.yaml", "--out", made / "stream")
    assert status == 2
    assert "a folder that holds a model" in problems[0]
    assert (made / "stream" / "weights.safetensors").read_bytes() == before


def test_where_a_file_is(made, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, problems = invoked(train_command, "--config", made / "stream.yaml", "--out", tmp_path / "file")
    assert (status, len(problems)) == (2, 1)


def test_an_interrupted_training_goes_on_to_the_same_weights(made, monkeypatch):
    """The power goes off in the second of three steps; the folder holds no model then, and the whole one after --resume."""
    config, calls, real = stream_plan(made, "often", checkpoint_every_steps=1), [], StreamTask.losses

    def counted(task, batch):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(task, batch)

    monkeypatch.setattr(StreamTask, "losses", counted)
    done = CliRunner().invoke(train_command, ["--config", str(config), "--out", str(made / "again")])
    assert done.exit_code != 0
    assert not (made / "again" / "model.json").exists()
    calls[:] = [1, 1]
    status, printed, problems = invoked(train_command, "--config", config, "--out", made / "again", "--resume")
    assert status == 0, (printed, problems)
    assert len(calls) == 2 + 2 + 1  # the steps that were missing, and a validation
    again, once = (made / name / "weights.safetensors" for name in ("again", "stream"))
    assert again.read_bytes() == once.read_bytes()


def test_everything_wrong_with_the_settings_is_told_at_once(made, tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "stage: stream\nbases: x\n"
        "data: {root: 5, validation_videos: 0}\n"
        "model: {hidden: 10, heads: 6, layers: two, adapter_layers: [0, 99]}\n"
        "learn: {answer_biases: [x], context_share: 7.0, go_on_wait: 1}\n"
        "coach: {selector: wrong, motion: 5, window_s: x, released: true}\n"
        "training: {epochs: 0, learning_rate: fast, betas: 3}\n"
    )
    status, _, problems = invoked(train_command, "--config", path, "--out", tmp_path / "out")
    assert status == 2
    for part in (
        "stage", "bases", "data.root", "validation_videos", "hidden", "layers", "adapter_layers", "answer_biases",
        "context_share", "go_on_wait", "selector", "motion", "window_s", "released", "epochs", "learning_rate", "betas",
    ):  # fmt: skip
        assert any(part in problem for problem in problems), (part, problems)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", [None, "", "[1, 2]", "stage: [", "stage: biocoach\n", "\xff"])
def test_files_that_hold_no_plan(text, tmp_path):
    path = tmp_path / "plan.yaml"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    assert invoked(train_command, "--config", path, "--out", tmp_path / "out")[0] == 2


@pytest.mark.parametrize("base", ["coach", "nothing"])
def test_a_coach_needs_a_backbone(base, made, tmp_path):
    path = plan(made, f"on_{base}", stage="biocoach", base=str(made / base), training=TRAINING)
    status, _, problems = invoked(train_command, "--config", path, "--out", tmp_path / "out")
    assert status == 2
    assert len(problems) == 1
    assert not (tmp_path / "out" / "model.json").exists()


def test_too_few_videos(made, tmp_path):
    path = plan(made, "few", stage="streamvlm", model=SHAPE, training=TRAINING)
    write_scripts([make_script("train", 1, exercises=2)], tmp_path / "train")
    status, _, problems = invoked(
        train_command, "--config", path, "--data", tmp_path / "train", "--out", tmp_path / "out"
    )
    assert status == 2
    assert "1 videos with features" in problems[0]


# --- prediction


def test_what_was_trained_predicts(made, answered, test_data, tmp_path):
    content = json.loads(answered.read_text())
    assert content["provenance"]["model"] == "trained"
    for name in ("weights_sha256", "backbone_sha256"):
        assert len(content["provenance"][name]) == 64
    assert str(made) not in answered.read_text()
    said = remarks_of(answered)
    assert len(said) == 4
    assert all(said.values())
    assert invoked(validate_command, answered, "--data", test_data)[0] == 0
    assert predicted(made, test_data, tmp_path / "q.json")[0] == 0
    assert (tmp_path / "q.json").read_bytes() == answered.read_bytes()


def test_options_change_what_is_said(made, answered, test_data, tmp_path):
    assert predicted(made, test_data, tmp_path / "q.json", timing="official", motion="none")[0] == 0
    assert remarks_of(tmp_path / "q.json") != remarks_of(answered)


@pytest.mark.parametrize(
    "options", [{"timing": "late"}, {"motion": "some"}, {"device": "tpu"}, {"selector": "best"}, {"batch": 0}]
)
def test_options_that_are_none(options, made, test_data, tmp_path):
    status, _, problems = predicted(made, test_data, tmp_path / "p.json", **options)
    assert status == 2
    assert next(iter(options)) in problems[0]
    assert not (tmp_path / "p.json").exists()


def test_folders_that_hold_no_model(made, test_data, tmp_path):
    assert invoked(predict_command, "trained", "--data", test_data, "--out", tmp_path / "p.json")[0] == 2
    torn = shutil.copytree(made / "stream", tmp_path / "stream")
    (torn / "weights.safetensors").write_bytes((torn / "weights.safetensors").read_bytes()[:-10])
    assert predicted(tmp_path, test_data, tmp_path / "p.json", "stream")[0] == 2
    assert predicted(tmp_path, test_data, tmp_path / "p.json", "nothing")[0] == 2
    shutil.copytree(made / "coach", tmp_path / "coach")  # on a torn backbone
    assert predicted(tmp_path, test_data, tmp_path / "p.json")[0] == 2
    assert not (tmp_path / "p.json").exists()


def changed_array(path, change):
    array = np.load(path, allow_pickle=False)
    np.save(path, change(array))


def features_of(data, video, what="features"):
    return data / TEST / "efficientnet_features" / "long_range_videos" / f"{video}_{what}.npy"


def test_nan_in_a_video_leaves_it_silent_and_the_rest_answered(made, answered, damaged, tmp_path):
    def spoil(array):
        array[:, 0, 0, 0] = np.nan
        return array

    changed_array(features_of(damaged, "0001"), spoil)
    status, printed, _ = predicted(made, damaged, tmp_path / "p.json")
    assert status == 1
    said, whole = remarks_of(tmp_path / "p.json"), remarks_of(answered)
    bad = {segment for segment in whole if segment.startswith("0001")}
    assert bad
    assert set(said) == set(whole)
    for segment, remarks in said.items():
        told = [(r["time"], r["text"]) for r in remarks]
        assert told == ([] if segment in bad else [(r["time"], r["text"]) for r in whole[segment]])
        assert (f"{segment}: the visual features hold NaN" in printed) == (segment in bad)
    assert f"{len(bad)} could not be answered" in printed
    assert "NaN" not in (tmp_path / "p.json").read_text()


def test_other_channels(made, damaged, tmp_path):
    changed_array(features_of(damaged, "0002"), lambda array: array[:, :20])
    status, printed, _ = predicted(made, damaged, tmp_path / "p.json")
    assert status == 1
    assert "features of 20 channels, the model reads 24" in printed
    said = remarks_of(tmp_path / "p.json")
    assert {segment[:4] for segment, remarks in said.items() if remarks} == {"0001"}


def test_an_exercise_without_rows(made, damaged, tmp_path):
    """The features end with the first exercise: the second one can't be answered."""
    times = np.load(features_of(damaged, "0001", "timestamps"), allow_pickle=False)
    for what in ("features", "timestamps"):
        changed_array(features_of(damaged, "0001", what), lambda array: array[times < times[0] + 20])
    status, printed, _ = predicted(made, damaged, tmp_path / "p.json")
    assert status == 1
    assert "0001_1: no row of the visual features" in printed
    said = remarks_of(tmp_path / "p.json")
    assert said["0001_0"]
    assert not said["0001_1"]
    assert all(remarks for segment, remarks in said.items() if segment.startswith("0002"))


def test_nobody_in_the_picture_is_no_failure(made, damaged, tmp_path):
    """All poses are missing: the model reads that somebody stands there, and speaks of what the camera sees."""
    path = damaged / TEST / "HSMR_outputs" / "HSMR-0001.npy"
    frames = read(path)
    empty = {name: getattr(frames, name)[:0] for name in ("poses", "betas", "patch_cam_t", "full_cam_t", "boxes")}
    write(path, replace(frames, people=np.zeros_like(frames.people), **empty))
    status, printed, _ = predicted(made, damaged, tmp_path / "p.json")
    assert status == 0, printed
    assert all(remarks_of(tmp_path / "p.json").values())


def test_a_video_of_less_than_the_window(made, damaged, tmp_path):
    """Two seconds of features: the selector has fewer rows than its window."""
    times = np.load(features_of(damaged, "0001", "timestamps"), allow_pickle=False)
    first = 8
    for what in ("features", "timestamps"):
        changed_array(features_of(damaged, "0001", what), lambda array: array[: first + int((times < times[0]).sum())])
    status, _, _ = predicted(made, damaged, tmp_path / "p.json")
    assert status in (0, 1)
    assert len(remarks_of(tmp_path / "p.json")) == 4
