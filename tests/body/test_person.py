"""One person is followed through frames that show others, that show nobody, and in any order."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench.body.hsmr import HsmrFrames
from biobench.body.person import choose_person, motion_of

BOX = 220


def scene(shown, apart=1.0, ratio=0.7, seed=0, boxes=True):
    """``shown`` has, for each frame, the people in the file's order: 0 exercises, 1 stands ``apart`` box sizes beside."""
    rng = np.random.default_rng(seed)
    bases = rng.normal(0, 0.5, (2, 46))
    poses, places = [], []
    for k, people in enumerate(shown):
        for p in people:
            moves = 0.6 * np.sin(k / 8) * (np.arange(46) % 3 == 0) * (p == 0)
            poses.append(bases[p] + moves + rng.normal(0, 0.05, 46))
            size = BOX * (ratio if p else 1.0 + 0.2 * np.sin(k / 8))
            places.append([300 + BOX * apart * p + rng.normal(0, 3), 400, size] if boxes else [np.nan] * 3)
    total = len(poses)
    zero = np.zeros((total, 3), np.float32)
    return HsmrFrames(
        np.array([len(people) for people in shown], np.int64), np.array(poses, np.float32).reshape(total, 46),
        np.zeros((total, 10), np.float32), zero, zero, np.array(places, np.float32).reshape(total, 3),
    )  # fmt: skip


def followed(frames, shown):
    """Who was chosen in each frame, None for nobody."""
    rows, starts = choose_person(frames).rows, frames.starts
    return [None if row < 0 else shown[k][row - starts[k]] for k, row in enumerate(rows)]


orders = st.sampled_from([(0, 1), (1, 0), (0,)])


@given(
    st.lists(orders, min_size=1, max_size=20), st.integers(1, 22), st.booleans(), st.lists(orders, min_size=1, max_size=20),
    st.floats(1.0, 4.0), st.floats(0.4, 1.4), st.integers(0, 9),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_nobody_takes_over_while_the_person_is_unseen_for_a_second(before, gap, alone, after, apart, ratio, seed):
    shown = [(0,), *before, *([(1,) if alone else ()] * gap), *after]
    chosen = followed(scene(shown, apart, ratio, seed), shown)
    first = 1 + len(before)
    assert chosen[:first] == [0] * first
    # Who comes back from a second's absence in another pose may count as missing at first; nobody else is taken.
    assert 1 not in chosen
    assert all(choice is None for choice, people in zip(chosen, shown, strict=True) if 0 not in people)


def test_who_comes_back_is_found_again():
    back = 0
    for seed in range(40):
        shown = [(0, 1)] * 10 + [(1,)] * 14 + [(1, 0)] * 22
        back += 0 in followed(scene(shown, 2.0, 0.8, seed), shown)[24:]
    assert back >= 38


def test_who_is_gone_for_long_is_given_up():
    shown = [(0, 1)] * 20 + [(1,)] * 200
    chosen = followed(scene(shown), shown)
    assert chosen[:20] == [0] * 20
    assert chosen[21] is None
    assert chosen[-1] == 1


def test_a_walk_across_the_picture_is_followed():
    shown = [(0,)] * 100
    frames = scene(shown)
    frames.boxes[:, 0] += np.arange(100) * 0.03 * BOX
    assert followed(frames, shown) == [0] * 100


def test_without_boxes_poses_decide():
    shown = [(0,), (0, 1), (1, 0), (1, 0), (0, 1), (), (1, 0)]
    assert followed(scene(shown, boxes=False), shown) == [0, 0, 0, 0, 0, None, 0]


@given(st.lists(st.sampled_from([(0, 1), (1, 0), (0,), (1,), ()]), min_size=2, max_size=40), st.data())
@settings(max_examples=40, deadline=None)
def test_a_choice_depends_on_no_later_frame(shown, data):
    end = data.draw(st.integers(1, len(shown)))
    frames = scene(shown)
    people = int(frames.starts[end])
    first = HsmrFrames(
        frames.people[:end], frames.poses[:people], frames.betas[:people], frames.patch_cam_t[:people],
        frames.full_cam_t[:people], frames.boxes[:people],
    )  # fmt: skip
    assert choose_person(first).rows.tolist() == choose_person(frames).rows[:end].tolist()


def test_an_unsure_choice_is_counted():
    shown = [(0,)] + [(0, 1)] * 5
    assert choose_person(scene(shown, apart=3)).unsure == 0
    twins = scene(shown, apart=0.0, ratio=1.0)
    twins.poses[:] = twins.poses[0] + np.random.default_rng(1).normal(0, 0.05, twins.poses.shape)
    twins.boxes[:] = twins.boxes[0]
    assert choose_person(twins).unsure == 5


def test_a_video_without_anybody_is_all_missing():
    frames = scene([(), (), ()])
    motion, notices = motion_of(frames, np.arange(3.0))
    assert not motion.valid.any()
    assert motion.betas is None
    assert [(n.code, n.count) for n in notices] == [("frames-without-pose", 3)]


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 2.5, np.nan]), max_size=12))
def test_times_that_do_not_rise_are_left_out_and_counted(times):
    motion, notices = motion_of(scene([(0,)] * len(times)), np.array(times, dtype=np.float64))
    kept, latest = [], -np.inf
    for time_s in times:
        if time_s > latest:
            kept.append(time_s)
            latest = time_s
    assert motion.times_s.tolist() == kept
    assert motion.valid.all()
    left_out = {n.code: n.count for n in notices}.get("frames-out-of-time", 0)
    assert left_out == len(times) - len(kept)


def test_what_is_left_out_takes_its_pose_with_it():
    frames = scene([(0,)] * 5)
    motion, notices = motion_of(frames, np.array([0.0, 1.0, 1.0, 0.5, 2.0]))
    assert np.array_equal(motion.angles_rad, np.unwrap(frames.poses[[0, 1, 4]].astype(np.float64), axis=0))
    assert [(n.code, n.count, n.example) for n in notices] == [("frames-out-of-time", 2, "frame 2")]


def test_shapes_that_are_no_numbers_do_not_count():
    frames = scene([(0,)] * 4)
    frames.betas[:] = [[1], [2], [np.nan], [np.inf]]
    assert motion_of(frames, np.arange(4.0))[0].betas.tolist() == [1.5] * 10
    frames.betas[:] = np.nan
    assert motion_of(frames, np.arange(4.0))[0].betas is None
