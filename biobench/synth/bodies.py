"""The script's people as poses: each frame's 46 angles, as they are and as a pose estimator would see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biobench.body.hsmr import HsmrFrames
from biobench.body.skel import COUNT, Side, index, mirror
from biobench.exercises import knowledge
from biobench.synth.movements import movements
from biobench.synth.people import Person
from biobench.synth.perform import DEPTH_LOST
from biobench.synth.poses import Floats, base_pose, ease, fault_pose, phase_weight, repetition_pose, spread_degrees
from biobench.synth.script import Performance, SynthVideo

__all__ = ["PoseErrors", "golden_repetition", "seen_poses", "true_poses"]

_SETTLE_S = 1.5
"""To take up the pose of the next exercise, or a stretch."""
_BREATH_DEG = 3.0
_BLEND_FRAMES = 5
"""A fault comes and goes over as many frames: about a quarter of a second."""
_GOLDEN_FRAMES = 60
_CAMERA_M = 4.0


@dataclass(frozen=True, slots=True)
class PoseErrors:
    """What a pose estimator adds to the truth.

    ``jitter_deg`` from frame to frame, half of it slow; a constant ``bias_deg`` a person and joint; shares of frames that
    are ``missing``, or seen as their mirror image (``flipped``), or that show somebody else too (``second_person``).
    """

    jitter_deg: float = 2.0
    bias_deg: float = 0.0
    missing: float = 0.005
    flipped: float = 0.0
    second_person: float = 0.0


def golden_repetition(exercise: str, side: Side | None = None) -> Floats:
    """One repetition of good form, (60, 46) radians, upright where the exercise is; of a stretch, the way into it."""
    at = np.linspace(0.0, 0.5 if knowledge(exercise).hold else 1.0, _GOLDEN_FRAMES)
    return _radians(repetition_pose(exercise, side, at))


def true_poses(video: SynthVideo, person: Person, times_s: Floats) -> Floats:
    """What really happened, (frames, 46) radians, at times from the video's first frame."""
    bases: list[Floats] = [base_pose(performance.exercise) for performance in video.performances]
    pose = np.tile(bases[0], (len(times_s), 1))
    for k, (performance, base) in enumerate(zip(video.performances, bases, strict=True)):
        inside = times_s >= performance.start_s  # the next exercise takes over from there
        share = ease((times_s[inside] - performance.start_s) / _SETTLE_S)[:, None]
        pose[inside] = bases[max(0, k - 1)] + share * (base - bases[max(0, k - 1)])
    for performance in video.performances:
        shown = np.flatnonzero((times_s >= performance.start_s) & (times_s < performance.end_s))
        if len(shown):
            pose[shown] += _performed(performance, times_s[shown])
    # Nobody is the same on both sides: the weaker side moves a little less far.
    weaker = "_l" if person.asymmetry > 0 else "_r"
    for name in ("hip_flexion", "knee_angle", "elbow_flexion"):
        pose[:, index(name + weaker)] *= 1.0 - 0.03 * abs(person.asymmetry)
    return _radians(pose)


def seen_poses(truth: Floats, errors: PoseErrors, seed: Sequence[int], person_seed: Sequence[int]) -> HsmrFrames:
    """What HSMR would write of (frames, 46) radians: jitter, bias, missing and flipped frames, a second person, a camera.

    The same seeds give the same poses: NumPy's frozen generator, and angles rounded to 1e-5 rad.
    """
    rng, own = _random(seed), _random(person_seed)
    frames = len(truth)
    white = rng.standard_normal((frames, COUNT))
    slow = _convolved(rng.standard_normal((frames, COUNT)), np.full(9, 1 / 3))
    jitter = np.radians(errors.jitter_deg) * (white + slow) / np.sqrt(2)
    angles = truth + jitter + np.radians(errors.bias_deg) * own.standard_normal(COUNT)
    angles[:, 2] += np.radians(rng.uniform(-25.0, 25.0))
    flipped = rng.random_sample(frames) < errors.flipped
    angles[flipped] = mirror(angles[flipped])
    angles[:, :3] = (angles[:, :3] + np.pi) % (2 * np.pi) - np.pi
    missing = rng.random_sample(frames) < errors.missing
    second = rng.random_sample(frames) < errors.second_person
    people = np.where(missing, 0, 1) + (second & ~missing)
    betas = np.round(own.standard_normal(10), 5)
    other = _radians(base_pose("squats"))[None, :]
    rows, who = [], []
    for k in np.flatnonzero(~missing):
        order = [0, 1] if second[k] and rng.random_sample() < 0.5 else [1, 0] if second[k] else [0]
        rows += [angles[k] if p == 0 else other[0] for p in order]
        who += order
    poses = np.round(np.array(rows).reshape(-1, COUNT), 5)
    someone_else = np.array(who, dtype=np.int64)
    box = np.where(someone_else[:, None] == 0, [640.0, 400.0, 520.0], [980.0, 380.0, 300.0])
    place = np.where(someone_else[:, None] == 0, [0.0, 0.1, _CAMERA_M], [1.1, 0.1, _CAMERA_M + 2.0])
    return HsmrFrames(
        people=people.astype(np.int64),
        poses=poses.astype(np.float32),
        betas=np.where(someone_else[:, None] == 0, betas, 0.0).astype(np.float32),
        patch_cam_t=place.astype(np.float32),
        full_cam_t=place.astype(np.float32),
        boxes=box.astype(np.float32).reshape(-1, 3),
    )


def _performed(performance: Performance, times_s: Floats) -> Floats:
    """What repetitions and faults add to the base pose, (frames, 46) degrees."""
    movement = movements()[performance.exercise]
    hold = knowledge(performance.exercise).hold
    base = base_pose(performance.exercise)
    added = np.zeros((len(times_s), COUNT))
    repetitions = performance.repetitions
    if hold and repetitions:
        into = ease((times_s - (repetitions[0].start_s - _SETTLE_S)) / _SETTLE_S)
        rest_s = min(_SETTLE_S, performance.end_s - repetitions[-1].end_s)
        out = ease((repetitions[-1].end_s + rest_s - times_s) / rest_s)
        held = repetition_pose(performance.exercise, performance.side, np.array([0.5]))[0] - base
        added += np.minimum(into, out)[:, None] * held
    extra = np.zeros_like(added)
    for number, repetition in enumerate(repetitions, 1):
        inside = np.flatnonzero((times_s >= repetition.start_s) & (times_s < repetition.end_s))
        if not len(inside):
            continue
        at = _fraction(times_s[inside], repetition.start_s, repetition.key_s, repetition.end_s)
        depth = repetition.depth
        for fault in performance.faults:  # the fault itself is added below, in the degrees of the catalogue
            if fault.id == movement.depth_fault:
                depth /= 1.0 - DEPTH_LOST * performance.severity(fault, number)
        lead = repetition.side or performance.side
        if hold:
            cycle = knowledge(performance.exercise).cycle.dof
            deepest = spread_degrees({cycle: _BREATH_DEG}, performance.side or "right")
            added[inside] += ease(1 - np.abs(2 * at - 1))[:, None] * deepest
        else:
            added[inside] += repetition_pose(performance.exercise, lead, at, depth) - base
        for fault in performance.faults:
            known = movement.fault(fault.id)
            severity = performance.severity(fault, number)
            if severity and known.moves:
                sign = -1.0 if known.sway and number % 2 else 1.0
                weight = phase_weight(known.phase, performance.exercise, at)
                extra[inside] += sign * severity * weight[:, None] * fault_pose(known, fault.side)
    return added + _blended(extra)


def _fraction(times_s: Floats, start_s: float, key_s: float, end_s: float) -> Floats:
    """The fraction of a repetition, its key moment at one half."""
    before = 0.5 * (times_s - start_s) / (key_s - start_s)
    after = 0.5 + 0.5 * (times_s - key_s) / (end_s - key_s)
    fraction: Floats = np.where(times_s < key_s, before, after)
    return np.clip(fraction, 0.0, 1.0)


def _blended(extra: Floats) -> Floats:
    kernel = np.hanning(_BLEND_FRAMES + 2)[1:-1]
    return _convolved(extra, kernel / kernel.sum())


def _convolved(values: Floats, kernel: Floats) -> Floats:
    """Each column with a kernel of odd length, as long as before."""
    half = len(kernel) // 2
    padded = np.pad(values, ((half, half), (0, 0)))
    found = np.zeros_like(values)
    for k, weight in enumerate(kernel[::-1]):
        found += weight * padded[k : k + len(values)]
    return found


def _radians(degrees: Floats) -> Floats:
    """With the pelvis upright at pi, as HSMR counts it."""
    pose = np.radians(degrees)
    pose[..., 0] += np.pi
    return pose


def _random(seed: Sequence[int]) -> np.random.RandomState:
    """NumPy's old generator: its streams are frozen for good."""
    return np.random.RandomState(np.array(seed, dtype=np.uint32))
