"""The training loop on toy modules: equal to plain torch, and equal to itself after any interruption."""

import contextlib
import csv
import math
import sys
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from biobench.problems import ProblemsFound
from biocoach_model.training import state
from biocoach_model.training.loop import train
from biocoach_model.training.order import generator_for, rate_at, steps_of_epoch
from biocoach_model.training.settings import TrainingSettings

FAST = TrainingSettings(
    seed=5, epochs=3, batch_size=2, accumulate=2, learning_rate=0.02, weight_decay=0.1, warmup_steps=3, schedule="cosine",
    clip_norm=0.5, device="cpu", checkpoint_every_steps=4,
)  # fmt: skip
"""11 steps an epoch for 42 examples; the last step of an epoch is smaller."""


class Toy(nn.Module):
    """A frozen part with dropout and statistics, and one that learns, with dropout."""

    def __init__(self, dropout=0.3, dtype=torch.float32):
        super().__init__()
        self.frozen = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))
        self.learns = nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Dropout(dropout), nn.Linear(6, 1))
        self.scale = nn.Parameter(torch.tensor(0.7))
        self.to(dtype)

    def forward(self, x):
        return self.learns(self.frozen(x))[..., 0] * self.scale


class ToyTask:
    """Regression with weights. ``before_losses`` is called with the number of the call: it may raise, or change a loss."""

    def __init__(self, dropout=0.3, count=42, held_out=10, dtype=torch.float32, before_losses=lambda _: 0.0):
        generator = torch.Generator().manual_seed(3)
        with torch.random.fork_rng([]):
            torch.manual_seed(1)
            self.module = Toy(dropout, dtype)
        x = torch.randn(count + held_out, 4, generator=generator, dtype=dtype)
        y = x[:, 0] * x[:, 1] + 0.1 * torch.randn(count + held_out, generator=generator, dtype=dtype)
        w = torch.rand(count + held_out, generator=generator, dtype=dtype) ** 3 + 0.01
        rows = list(zip(x, y, w, strict=True))
        self.parts = {"train": rows[:count], "validation": rows[count:]}
        self.calls, self.before_losses = 0, before_losses

    def trainable(self):
        return [("scale", self.module.scale), *((f"head.{n}", p) for n, p in self.module.learns.named_parameters())]

    def examples(self, part):
        return self.parts[part]

    def collate(self, examples, generator):
        x, y, w = (torch.stack(column) for column in zip(*examples, strict=True))
        for row in x:  # one after the other: the same for one large batch and for several small ones
            row.add_(0.01 * torch.randn(4, generator=generator, dtype=x.dtype))
        return {"x": x, "y": y, "w": w}

    def losses(self, batch):
        self.calls += 1
        changed = self.before_losses(self.calls)
        errors = (self.module(batch["x"]).to(batch["y"].dtype) - batch["y"]) ** 2
        return (errors * batch["w"]).sum() + changed, batch["w"].sum()


class LongTask(ToyTask):
    def lengths(self, part):
        return [round(100 * float(example[2])) for example in self.parts[part]]


def weights(task):
    return {name: value.clone() for name, value in task.module.state_dict().items()}


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def near(one, other, tolerance=1e-9):
    return all(torch.allclose(one[name], other[name], rtol=0, atol=tolerance) for name in one)


def rows_of(folder):
    with (folder / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def problem_of(task, wanted, folder, **options):
    with pytest.raises(ProblemsFound) as caught:
        train(task, wanted, folder, **options)
    return str(caught.value)


# What a step is.


def plain_training(task, wanted, total):
    """The same in plain torch, a step's examples as one batch."""
    module = task.module
    named = dict(task.trainable())
    module.eval()
    for parameter in module.parameters():
        parameter.requires_grad_(any(parameter is other for other in named.values()))
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in named.values() if p.ndim == 2], "weight_decay": wanted.weight_decay},
            {"params": [p for p in named.values() if p.ndim != 2], "weight_decay": 0.0},
        ],
        betas=wanted.betas,
    )
    losses, per_step = [], wanted.batch_size * wanted.accumulate
    per_epoch = math.ceil(len(task.examples("train")) / per_step)
    for step in range(total):
        order = steps_of_epoch(len(task.examples("train")), per_step, step // per_epoch, seed=wanted.seed)
        chosen = [task.examples("train")[k] for k in order[step % per_epoch]]
        summed, weight = task.losses(task.collate(chosen, generator_for(wanted.seed, "step", step)))
        optimizer.zero_grad()
        (summed / weight).backward()
        nn.utils.clip_grad_norm_(named.values(), wanted.clip_norm)
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, total, wanted)
        optimizer.step()
        losses.append((summed / weight).item())
    return losses


def test_it_is_plain_adamw_on_the_weighted_mean(tmp_path):
    made, plain = (ToyTask(dropout=0.0, held_out=0, dtype=torch.float64) for _ in range(2))
    report = train(made, FAST, tmp_path)
    losses = plain_training(plain, FAST, 33)
    assert (report.steps, report.epochs, report.best_step, report.validation_loss) == (33, 3, 33, None)
    assert near(weights(made), weights(plain))
    assert [float(row["loss"]) for row in rows_of(tmp_path)] == pytest.approx(losses, abs=1e-9)


@pytest.mark.parametrize("kind", [ToyTask, LongTask])
def test_accumulated_batches_are_the_one_large_batch(tmp_path, kind):
    results = []
    for k, (batch_size, accumulate) in enumerate([(8, 1), (4, 2), (3, 3), (1, 8)]):
        task = kind(dropout=0.0, dtype=torch.float64)
        train(task, replace(FAST, batch_size=batch_size, accumulate=accumulate), tmp_path / str(k))
        results.append(weights(task))
    assert near(results[0], results[1])
    assert near(results[0], results[3])
    assert not near(results[0], results[2], 1e-4)  # nine examples a step: another training


def test_lengths_sort_examples_into_batches(tmp_path):
    seen = []

    class Watched(LongTask):
        def collate(self, examples, generator):
            if self.module.training:
                seen.append([round(100 * float(example[2])) for example in examples])
            return super().collate(examples, generator)

    for bucket in (1, 8):
        train(
            Watched(),
            replace(FAST, epochs=1, accumulate=1, batch_size=6, length_buckets=bucket),
            tmp_path / str(bucket),
        )
    spreads = [sum(max(batch) - min(batch) for batch in part) for part in (seen[:7], seen[7:])]
    assert len(seen) == 14
    assert spreads[1] < spreads[0] / 2


@given(
    st.integers(1, 60),
    st.integers(1, 9),
    st.integers(0, 5),
    st.integers(1, 5),
    st.booleans(),
    st.integers(0, 2**63 - 1),
)
def test_every_epoch_has_every_example_once(count, per_step, epoch, bucket, has_lengths, seed):
    lengths = [k * 7 % 5 for k in range(count)] if has_lengths else None
    steps = steps_of_epoch(count, per_step, epoch, seed=seed, lengths=lengths, bucket=bucket)
    assert sorted(k for step in steps for k in step) == list(range(count))
    assert len(steps) == math.ceil(count / per_step)
    assert sorted(map(len, steps))[1:] == [per_step] * (len(steps) - 1)
    assert steps == steps_of_epoch(count, per_step, epoch, seed=seed, lengths=lengths, bucket=bucket)


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [str(steps_of_epoch(40, 4, epoch, seed=seed)) for epoch in range(4) for seed in range(4)]
    assert len(set(orders)) == 16


def test_rates_rise_and_fall():
    wanted = TrainingSettings(learning_rate=2.0, warmup_steps=4, schedule="cosine")
    rates = [rate_at(step, 24, wanted) for step in range(24)]
    assert rates[:5] == [0.5, 1.0, 1.5, 2.0, 2.0]
    assert all(one > other for one, other in pairwise(rates[4:]))
    assert rates[14] == pytest.approx(1.0)
    assert 0 < rates[-1] < 0.02
    constant = replace(wanted, schedule="constant")
    assert [rate_at(step, 24, constant) for step in (0, 3, 4, 23)] == [0.5, 2.0, 2.0, 2.0]
    assert rate_at(0, 1, replace(wanted, warmup_steps=9)) == pytest.approx(2 / 9)


def test_bfloat16_is_autocast(tmp_path):
    wanted, losses = replace(FAST, most_steps=5), []
    for precision in ("float32", "bfloat16"):
        task, seen = ToyTask(dropout=0.0), set()
        task.module.learns[0].register_forward_hook(lambda module, given, made, seen=seen: seen.add(made.dtype))
        train(task, replace(wanted, precision=precision), tmp_path / precision)
        assert seen == {getattr(torch, precision)}
        assert {value.dtype for _, value in task.trainable()} == {torch.float32}
        losses.append([float(row["loss"]) for row in rows_of(tmp_path / precision)])
    assert losses[0] != losses[1] == pytest.approx(losses[0], rel=0.05)


# What stays as it is.


def test_frozen_parts_stay_as_they_are_and_do_not_drop(tmp_path):
    task = ToyTask()
    before, modes = weights(task), set()
    task.module.frozen.register_forward_hook(
        lambda module, given, made: modes.add((module.training, module[2].training))
    )
    task.module.learns.register_forward_hook(lambda module, given, made: modes.add(("learns", module[2].training)))
    train(task, FAST, tmp_path)
    after = weights(task)
    for name in before:
        assert torch.equal(before[name], after[name]) == name.startswith("frozen"), name
    assert modes == {(False, False), ("learns", True), ("learns", False)}
    kept = load_file(tmp_path / "checkpoint.safetensors")
    learned = {name for name, _ in task.trainable()}
    assert {name.split("/")[-1] for name in kept if not name.startswith("random/")} == learned
    assert set(load_file(tmp_path / "best.safetensors")) == learned
    assert all(p.requires_grad == (not name.startswith("frozen")) for name, p in task.module.named_parameters())


def test_the_callers_torch_is_as_it_was(tmp_path):
    torch.manual_seed(77)
    before = torch.get_rng_state()
    train(ToyTask(), replace(FAST, epochs=1), tmp_path / "a")
    problem_of(ToyTask(before_losses=lambda _: math.nan), FAST, tmp_path / "b")
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.are_deterministic_algorithms_enabled()


def test_tasks_that_break_their_promises_are_refused(tmp_path):
    def refused(change, match):
        task = ToyTask()
        change(task)
        with pytest.raises(ValueError, match=match):
            train(task, FAST, tmp_path / "never")

    own = ToyTask().trainable
    refused(lambda task: setattr(task, "trainable", list), "nothing learns")
    refused(lambda task: setattr(task, "trainable", own), "no parameter of the task's module")
    refused(
        lambda task: setattr(task, "trainable", lambda: [("a", task.module.scale), ("b", task.module.scale)]), "twice"
    )
    refused(lambda task: task.module.half(), "float32")
    refused(
        lambda task: setattr(task, "trainable", lambda: list(task.module.named_parameters())), "frozen.1 .*statistics"
    )
    assert not (tmp_path / "never").exists()


# Equal runs, and runs that were interrupted.


def test_equal_runs_give_equal_bytes_and_other_seeds_do_not(tmp_path):
    results = []
    for k, seed in enumerate([5, 5, 6]):
        torch.manual_seed(k)  # what the caller did before is of no account
        train(LongTask(), replace(FAST, seed=seed), tmp_path / str(k))
        results.append(files(tmp_path / str(k)))
    assert results[0] == results[1]
    assert set(results[0]) == {"best.safetensors", "checkpoint.safetensors", "log.csv"}
    assert all(results[0][name] != results[2][name] for name in results[0])


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    task = LongTask()
    report = train(task, FAST, folder)
    return files(folder), weights(task), replace(report, seconds=0.0)


class StopError(Exception):
    pass


def raising(kind, at):
    def stop(number, *_):
        if number == at:
            raise kind
        return 0.0

    return stop


@given(
    st.lists(
        st.tuples(st.sampled_from([StopError, KeyboardInterrupt]), st.booleans(), st.integers(1, 80)),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=8, deadline=None)
def test_interruptions_leave_no_trace(uninterrupted, tmp_path_factory, interruptions):
    """At the end of a step, or within one: between two of its batches, or in the validation."""
    folder = tmp_path_factory.mktemp("interrupted")
    resume = False
    for kind, is_within, at in interruptions:
        task = LongTask(before_losses=raising(kind, at) if is_within else lambda _: 0.0)
        with contextlib.suppress(kind):
            train(task, FAST, folder, resume=resume, progress=None if is_within else raising(kind, at))
        resume = True
    task = LongTask()
    report = train(task, FAST, folder, resume=True)
    expected_files, expected_weights, expected_report = uninterrupted
    assert files(folder) == expected_files
    assert equal(weights(task), expected_weights)
    assert replace(report, seconds=0.0) == expected_report


def test_an_interruption_within_an_accumulation(uninterrupted, tmp_path):
    task = LongTask(before_losses=raising(KeyboardInterrupt, 15))  # the second batch of the eighth step
    with pytest.raises(KeyboardInterrupt):
        train(task, FAST, tmp_path)
    assert len(rows_of(tmp_path)) == 7
    done = []
    train(LongTask(), FAST, tmp_path, resume=True, progress=lambda step, total, values: done.append((step, total)))
    assert done == [(step, 33) for step in range(5, 34)]
    assert files(tmp_path) == uninterrupted[0]


def test_a_checkpoint_that_fails_leaves_the_one_before(uninterrupted, tmp_path, monkeypatch):
    real, calls = state.write_bytes, []

    def full(path, content):
        if path.name == state.CHECKPOINT:
            calls.append(content)
            if len(calls) == 3:
                path.with_name("left-over").write_bytes(content[:100])
                raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(state, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        train(LongTask(), FAST, tmp_path)
    monkeypatch.undo()
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == calls[1]
    (tmp_path / "left-over").unlink()
    train(LongTask(), FAST, tmp_path, resume=True)
    assert files(tmp_path) == uninterrupted[0]


@pytest.mark.parametrize(("every", "half"), [(4, "7,0,0.12"), (6, "7"), (9, "1")])
def test_half_a_row_of_the_log_is_cut(uninterrupted, tmp_path, every, half):
    wanted = replace(FAST, checkpoint_every_steps=every)
    with pytest.raises(StopError):
        train(LongTask(), wanted, tmp_path, progress=raising(StopError, max(every, 6)))
    with (tmp_path / "log.csv").open("a") as file:
        file.write(half)  # of row 10, it looks like that of row 1
    train(LongTask(), wanted, tmp_path, resume=True)
    assert files(tmp_path) == uninterrupted[0]


def test_a_training_that_ended_is_only_read(uninterrupted, tmp_path):
    train(LongTask(), FAST, tmp_path)
    task = LongTask(before_losses=raising(StopError, 1))
    report = train(task, FAST, tmp_path, resume=True, progress=raising(StopError, 1))
    assert replace(report, seconds=0.0) == uninterrupted[2]
    assert equal(weights(task), uninterrupted[1])
    assert files(tmp_path) == uninterrupted[0]


# What is refused.


def test_a_resume_with_other_settings_is_refused_and_says_which(tmp_path):
    with pytest.raises(StopError):
        train(ToyTask(), FAST, tmp_path, progress=raising(StopError, 5), made_with={"data": "abc"})
    before = files(tmp_path)
    text = problem_of(
        ToyTask(), replace(FAST, learning_rate=0.5, seed=6), tmp_path, resume=True, made_with={"data": "abd"}
    )
    assert [line.split(": ", 1)[1].split(" (")[0] for line in text.splitlines()] == [
        "found seed 5, expected seed 6",
        "found learning_rate 0.02, expected learning_rate 0.5",
        "found data abc, expected data abd",
    ]
    agreed = {"made_with": {"data": "abc"}, "resume": True}
    assert "training examples 42" in problem_of(ToyTask(count=41), FAST, tmp_path, **agreed)
    assert "parameters that learn" in problem_of(ToyTask(dtype=torch.float64), FAST, tmp_path, **agreed)
    assert "data abc, expected data not said" in problem_of(ToyTask(), FAST, tmp_path, resume=True)
    assert files(tmp_path) == before
    train(ToyTask(), replace(FAST, checkpoint_every_steps=100, device="auto"), tmp_path, **agreed)


def test_nothing_is_overwritten_and_nothing_resumed_that_is_not_there(tmp_path):
    assert "no such file" in problem_of(ToyTask(), FAST, tmp_path / "new", resume=True)
    assert not (tmp_path / "new").exists()
    train(ToyTask(), FAST, tmp_path / "old")
    before = files(tmp_path / "old")
    assert "--resume" in problem_of(ToyTask(), FAST, tmp_path / "old")
    assert files(tmp_path / "old") == before
    (tmp_path / "file").touch()
    assert "can't be written" in problem_of(ToyTask(), FAST, tmp_path / "file" / "folder")


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-50], lambda b: b[:20], lambda _: b"", lambda b: b.replace(b"schema", b"shema")]
)
def test_damaged_checkpoints_are_refused(tmp_path, damage):
    train(ToyTask(), replace(FAST, epochs=1), tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    assert str(path) in problem_of(ToyTask(), replace(FAST, epochs=1), tmp_path, resume=True)


def test_other_files_than_checkpoints_are_refused(tmp_path):
    train(ToyTask(), replace(FAST, epochs=1), tmp_path)
    (tmp_path / "checkpoint.safetensors").write_bytes((tmp_path / "best.safetensors").read_bytes())
    assert "without a training's state" in problem_of(ToyTask(), replace(FAST, epochs=1), tmp_path, resume=True)


def test_devices_and_precisions_that_are_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "no CUDA device" in problem_of(ToyTask(), replace(FAST, device="cuda"), tmp_path / "a")
    assert "float16" in problem_of(ToyTask(), replace(FAST, device="auto", precision="float16"), tmp_path / "a")
    assert "no examples" in problem_of(ToyTask(count=0), FAST, tmp_path / "a")
    assert "patience" in problem_of(ToyTask(held_out=0), replace(FAST, patience=1), tmp_path / "a")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_ends_it_and_the_checkpoint_stays(uninterrupted, tmp_path, value):
    task = LongTask(before_losses=lambda number: value if number == 15 else 0.0)
    assert f"a loss of {value} in step 8," in problem_of(task, FAST, tmp_path)
    assert len(rows_of(tmp_path)) == 7
    train(LongTask(), FAST, tmp_path, resume=True)
    assert files(tmp_path) == uninterrupted[0]


def test_a_validation_that_is_no_number_ends_it(tmp_path):
    task = LongTask(before_losses=lambda number: math.nan if number == 23 else 0.0)
    assert "a loss of nan in the validation after step 11," in problem_of(task, FAST, tmp_path)
    assert not (tmp_path / "best.safetensors").exists()


def test_a_gradient_that_is_no_number_ends_it(tmp_path):
    task = ToyTask()
    task.before_losses = lambda number: (task.module.scale * 0).sqrt() if number == 14 else 0.0
    assert "a gradient of length nan in step 7," in problem_of(task, FAST, tmp_path)
    kept = load_file(tmp_path / "checkpoint.safetensors")
    assert all(bool(torch.isfinite(value).all()) for value in kept.values())
    train(ToyTask(), FAST, tmp_path, resume=True)


def test_steps_without_weight_are_refused(tmp_path):
    task = ToyTask()
    task.parts["train"] = [(x, y, w * 0) for x, y, w in task.parts["train"]]
    assert "weights sum to 0 in step 1" in problem_of(task, FAST, tmp_path)


def test_batches_without_weight_are_fine_within_a_step(tmp_path):
    task = ToyTask(dropout=0.0, dtype=torch.float64)
    task.parts["train"] = [(x, y, w * (k % 3 == 0)) for k, (x, y, w) in enumerate(task.parts["train"])]
    same = ToyTask(dropout=0.0, dtype=torch.float64)
    same.parts = task.parts
    train(task, replace(FAST, batch_size=1, accumulate=14), tmp_path / "a")
    train(same, replace(FAST, batch_size=14, accumulate=1), tmp_path / "b")
    assert near(weights(task), weights(same))


# Validation, the end, and the logs.


def validation_loss(task):
    task.module.eval()
    generator = generator_for(FAST.seed, "validation", 0)
    with torch.no_grad():
        summed, weight = task.losses(task.collate(task.examples("validation"), generator))
    return float(summed / weight)


def test_validation_has_no_dropout_and_its_best_weights_are_kept(tmp_path):
    task = ToyTask()
    report = train(task, FAST, tmp_path)
    found = {int(row["step"]): float(row["validation_loss"]) for row in rows_of(tmp_path) if row["validation_loss"]}
    assert list(found) == [11, 22, 33]
    assert report.validation_loss == min(found.values()) == found[report.best_step]
    assert validation_loss(task) == pytest.approx(report.validation_loss, abs=1e-6)
    assert all(
        torch.equal(value, dict(task.trainable())[name])
        for name, value in load_file(tmp_path / "best.safetensors").items()
    )
    assert not task.module.training


@pytest.mark.parametrize(
    ("unit", "every", "steps"), [("steps", 5, [5, 10, 13]), ("epochs", 2, [13]), ("epochs", 1, [11, 13])]
)
def test_when_validation_comes(tmp_path, unit, every, steps):
    train(ToyTask(), replace(FAST, validate_unit=unit, validate_every=every, most_steps=13), tmp_path)
    assert [int(row["step"]) for row in rows_of(tmp_path) if row["validation_loss"]] == steps
    assert len(rows_of(tmp_path)) == 13


def test_patience_ends_it_with_the_best_weights(tmp_path):
    wanted = replace(
        FAST, epochs=50, schedule="constant", learning_rate=0.1, validate_unit="steps", validate_every=3, patience=4
    )
    task = ToyTask()
    task.parts["validation"] = [
        (x, -y, w) for x, y, w in task.parts["validation"]
    ]  # learning makes it worse, in the end
    report = train(task, wanted, tmp_path / "early")
    found = [float(row["validation_loss"]) for row in rows_of(tmp_path / "early") if row["validation_loss"]]
    best = found.index(min(found))
    assert report.stopped == "patience"
    assert "ended early" in report.summary()
    assert (report.best_step, report.steps) == (3 * (best + 1), 3 * (best + 5))
    short = ToyTask()
    short.parts = {**task.parts, "validation": []}
    train(short, replace(wanted, patience=0, most_steps=report.best_step), tmp_path / "short")
    assert equal(weights(task), weights(short))
    again = train(ToyTask(), wanted, tmp_path / "early", resume=True)
    assert replace(again, seconds=0.0) == replace(report, seconds=0.0)


@pytest.mark.parametrize(
    ("scripted", "patience", "best", "last"),
    [
        ([5, 6, 4, 4, 4.5, 3], 2, 3, 5),  # an equal loss is no better one
        ([5, 6, 4, 7, 3, 8, 2, 9], 2, 7, 8),  # patience begins anew with every better one
        ([5, 6, 7], 1, 1, 2),
        ([5, 6, 7, 8, 9, 10, 11, 12], 0, 1, 8),
    ],
)
def test_patience_counts_validations_since_the_best(tmp_path, scripted, patience, best, last):
    class Scripted(ToyTask):
        def losses(self, batch):
            summed, weight = super().losses(batch)
            if self.module.training:
                return summed, weight
            return weight * next(validations), weight

    validations = iter(scripted)
    wanted = replace(FAST, validate_unit="steps", batch_size=10, patience=patience, most_steps=8)
    report = train(Scripted(), wanted, tmp_path)
    assert (report.best_step, report.steps, report.validation_loss) == (best, last, scripted[best - 1])
    assert report.stopped == ("patience" if last < 8 else "finished")


def test_without_validation_the_last_weights_are_kept(tmp_path):
    task = ToyTask(held_out=0)
    report = train(task, FAST, tmp_path)
    assert (report.best_step, report.validation_loss, report.stopped) == (33, None, "finished")
    assert report.summary().startswith(f"loss {report.loss:.4f} at the last step")


def test_the_log_says_what_happened(tmp_path):
    told = []
    report = train(ToyTask(), FAST, tmp_path, progress=lambda *values: told.append(values))
    rows = rows_of(tmp_path)
    assert list(rows[0]) == ["step", "epoch", "loss", "learning_rate", "weight", "validation_loss"]
    assert [int(row["step"]) for row in rows] == list(range(1, 34))
    assert [int(row["epoch"]) for row in rows] == [k // 11 for k in range(33)]
    assert [float(row["learning_rate"]) for row in rows] == [rate_at(step, 33, FAST) for step in range(33)]
    total = sum(float(example[2]) for example in ToyTask().examples("train"))
    assert sum(float(row["weight"]) for row in rows[:11]) == pytest.approx(total)
    assert [(step, total) for step, total, _ in told] == [(step, 33) for step in range(1, 34)]
    assert [values["loss"] for _, _, values in told] == [float(row["loss"]) for row in rows]
    assert [k for k, (_, _, values) in enumerate(told, 1) if "validation_loss" in values] == [11, 22, 33]
    assert report.loss == told[-1][2]["loss"]


def test_tensorboard_that_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    assert "pip install tensorboard" in problem_of(ToyTask(), replace(FAST, log="both"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with pytest.raises(StopError):
        train(ToyTask(), replace(FAST, log="both"), tmp_path, progress=raising(StopError, 6))
    train(ToyTask(), replace(FAST, log="both"), tmp_path, resume=True)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    for name in ("loss", "learning_rate", "weight", "validation_loss"):
        rows = [(int(row["step"]), float(row[name])) for row in rows_of(tmp_path) if row[name]]
        assert [event.step for event in events.Scalars(name)] == [step for step, _ in rows]
        assert [event.value for event in events.Scalars(name)] == pytest.approx([value for _, value in rows], rel=1e-6)
