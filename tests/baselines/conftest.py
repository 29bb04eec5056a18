"""Data with poses and features, and copies of them in which something is wrong or different."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from biobench import load_benchmark
from biobench.body.hsmr import read, write
from biobench.models import exercise_segments
from biobench.synth.bodies import PoseErrors
from biobench.synth.make import make_script
from biobench.synth.write import Rendering, write_scripts


class SeenData:
    """A split of two videos: features as files, poses rendered from the script where no file of them has been changed."""

    def __init__(self, folder):
        self.folder = folder

    @property
    def benchmark(self):
        return load_benchmark(self.folder)

    def poses(self, video="0001"):
        return self.folder / "HSMR_outputs" / f"HSMR-{video}.npy"

    def features(self, video="0001"):
        return self.folder / "efficientnet_features" / "long_range_videos" / f"{video}_features.npy"

    def spoil_poses(self, video="0001"):
        self.poses(video).parent.mkdir(exist_ok=True)
        self.poses(video).write_bytes(self._made(video).read_bytes()[:2000])

    def since_start_s(self):
        """When the first exercise begins, in seconds of its video."""
        first = exercise_segments(self.benchmark)[0]
        return first.start_s - self._start_s(first.video)

    def change_poses(self, from_s, video="0001"):
        """Other angles from a time of the video on, the boxes as before: the same person does something else."""
        frames = read(self._made(video))
        after = self._after(from_s, video)[np.repeat(np.arange(len(frames.people)), frames.people)]
        poses = frames.poses.copy()
        poses[after, 3:] = 0.6 * poses[after, 3:][::-1] - 0.1
        self.poses(video).parent.mkdir(exist_ok=True)
        write(self.poses(video), replace(frames, poses=poses))

    def change_features(self, from_s, video="0001"):
        rows = np.load(self.features(video))
        times = np.load(self.features(video).with_name(f"{video}_timestamps.npy"))
        after = times > self._start_s(video) + from_s
        rows[after] = rows[after][::-1] * 0.5
        np.save(self.features(video), rows)

    def hide(self, from_s, to_s, video="0001"):
        """Nobody is seen between two times of the video."""
        frames = read(self._made(video))
        hidden = self._after(from_s, video) & ~self._after(to_s, video)
        kept = ~hidden[np.repeat(np.arange(len(frames.people)), frames.people)]
        parts = ("poses", "betas", "patch_cam_t", "full_cam_t", "boxes")
        people = np.where(hidden, 0, frames.people)
        kept_parts = {name: getattr(frames, name)[kept] for name in parts}
        self.poses(video).parent.mkdir(exist_ok=True)
        write(self.poses(video), replace(frames, people=people, **kept_parts))

    def _made(self, video):
        return self.folder / "made" / f"HSMR-{video}.npy"

    def _start_s(self, video):
        return self.benchmark.video_starts_s[video]

    def _after(self, time_s, video):
        session = next(s for s in self.benchmark.sessions if s.video == video)
        return session.frame_times_s > session.frame_times_s[0] + time_s


@pytest.fixture(scope="session")
def seen_root(tmp_path_factory):
    out = tmp_path_factory.mktemp("seen") / "data"
    write_scripts([make_script("test", 2, exercises=2)], out, Rendering(PoseErrors(), features=True))
    folder = out / "QEVD-FIT-COACH-Benchmark"
    (folder / "HSMR_outputs").rename(folder / "made")
    return SeenData(folder)


@pytest.fixture
def seen(seen_root, tmp_path):
    """A copy to spoil."""
    return SeenData(shutil.copytree(seen_root.folder, tmp_path / "seen"))
