"""A submission: a folder of exactly four files, opened as what it is, a stranger's."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from biobench.problems import Problem, ProblemsFound
from biobench.readers.json_locate import shown
from leaderboard.card import SystemCard, parse_card
from leaderboard.limits import FILES

__all__ = ["SUMS", "Submission", "checksums", "open_submission", "open_submissions"]

SUMS = "SHA256SUMS"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,59}-[a-z0-9][a-z0-9._+-]{0,19}")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{k}" for name in ("com", "lpt") for k in range(1, 10))}
_SUM_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9.]{1,40})")
_CHUNK = 1 << 20
_MOST_STRAYS = 20


@dataclass(frozen=True, slots=True)
class Submission:
    """A folder whose files are whole: each is a plain file of allowed size, and its bytes are those of ``SHA256SUMS``."""

    folder: Path
    card: SystemCard
    predictions_sha256: str

    @property
    def id(self) -> str:
        """The folder's name: the card's name and version."""
        return self.folder.name

    @property
    def predictions_path(self) -> Path:
        """The normalised predictions."""
        return self.folder / "predictions.json"

    @property
    def card_path(self) -> Path:
        """The system's card."""
        return self.folder / "system.toml"

    @property
    def results_path(self) -> Path:
        """The stored results."""
        return self.folder / "results.json"


def open_submissions(folder: Path) -> list[Submission]:
    """Every submission of a folder, by id. Raises ``ProblemsFound`` with every problem of all of them."""
    if not folder.is_dir():
        found = "no folder" if not folder.exists() else "something that is no folder"
        raise ProblemsFound([Problem(str(folder), found, "a folder of submissions", "biobench submit makes them")])
    found_submissions: list[Submission] = []
    problems: list[Problem] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") and not path.is_symlink():
            continue  # .git, .gitkeep, .github
        try:
            found_submissions.append(open_submission(path))
        except ProblemsFound as found:
            problems += found.problems
    if problems:
        raise ProblemsFound(problems)
    if not found_submissions:
        raise ProblemsFound(
            [Problem(str(folder), "no submissions", "one folder a system", "biobench submit makes them")]
        )
    return found_submissions


def open_submission(folder: Path) -> Submission:
    """Checks a folder and its files. Raises ``ProblemsFound`` with every problem; nothing else is read or run."""
    place = str(folder)
    names = _names_in(folder)
    expected_files = "exactly " + ", ".join(FILES)
    strays = sorted(names - set(FILES))
    problems = [Problem(place, f"{shown(name)} in the folder", expected_files) for name in strays[:_MOST_STRAYS]]
    if len(strays) > _MOST_STRAYS:
        problems.append(Problem(place, f"{len(strays) - _MOST_STRAYS:,} more in the folder", expected_files))
    contents: dict[str, bytes] = {}
    digests: dict[str, str] = {}
    for name, most in FILES.items():
        if name not in names:
            problems.append(Problem(f"{place}/{name}", "no file", f"{name}, as biobench submit writes it"))
            continue
        # Predictions and results are only hashed here: they are read by those who want them.
        opened = _read(folder / name, most, keep=name in {SUMS, "system.toml"})
        if isinstance(opened, Problem):
            problems.append(opened)
        else:
            digests[name], contents[name] = opened
    card: SystemCard | None = None
    if "system.toml" in contents:
        try:
            card = parse_card(contents["system.toml"], f"{place}/system.toml")
        except ProblemsFound as found_in_card:
            problems += found_in_card.problems
    if SUMS in contents:
        problems += _wrong_sums(f"{place}/{SUMS}", contents[SUMS], digests)
    if card is not None and (folder.name != card.id or not _ID.fullmatch(card.id) or _is_reserved(card.id)):
        expected = card.id if _ID.fullmatch(card.id) and not _is_reserved(card.id) else "a name that files can have"
        hint = "name and version of system.toml give the folder's name"
        problems.append(Problem(place, f"the folder {shown(folder.name)}", expected, hint))
    if problems or card is None:
        raise ProblemsFound(problems)
    return Submission(folder, card, digests["predictions.json"])


def checksums(folder: Path) -> str:
    """What ``SHA256SUMS`` of a folder must say, in the form of the command ``sha256sum``."""
    names = sorted(set(FILES) - {SUMS})
    return "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)


def _names_in(folder: Path) -> set[str]:
    """What a folder holds. Raises ``ProblemsFound`` for what is no folder, and never follows a link."""
    try:
        mode = folder.lstat().st_mode
        found = "a link" if stat.S_ISLNK(mode) else "" if stat.S_ISDIR(mode) else "something that is no folder"
        if not found:
            with os.scandir(folder) as entries:
                return {entry.name for entry in entries}
    except FileNotFoundError:
        found = "no folder"
    except OSError as error:  # a name that is too long, a folder that may not be read
        found = f"a folder that can't be read ({error.strerror})"
    raise ProblemsFound([Problem(str(folder), found, "a submission's folder", "biobench submit makes one")])


def _is_reserved(name: str) -> bool:
    return name.split(".", 1)[0].lower() in _RESERVED


def _read(path: Path, most: int, *, keep: bool) -> tuple[str, bytes] | Problem:
    """The sha256 of a plain file, and its bytes where they are kept. Never follows a link, never waits for a pipe."""
    expected = f"a plain file of at most {most:,} bytes"
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        found = "a link" if path.is_symlink() else f"a file that can't be read ({error.strerror})"
        return Problem(str(path), found, expected)
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):
        os.close(descriptor)
        return Problem(str(path), "a folder, pipe or device", expected)
    with os.fdopen(descriptor, "rb") as stream:
        if state.st_size > most:
            return Problem(str(path), f"{state.st_size:,} bytes", expected)
        digest, kept, size = hashlib.sha256(), [], 0
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > most:  # it grew while it was read
                return Problem(str(path), f"more than {most:,} bytes", expected)
            digest.update(chunk)
            if keep:
                kept.append(chunk)
    return digest.hexdigest(), b"".join(kept)


def _wrong_sums(file: str, content: bytes, digests: dict[str, str]) -> list[Problem]:
    problems: list[Problem] = []
    said: dict[str, str] = {}
    expected = "lines of a sha256, two blanks and a file's name"
    for number, raw in enumerate(content.decode("ascii", "replace").splitlines(), 1):
        line = _SUM_LINE.fullmatch(raw)
        if line is None or line[2] not in FILES or line[2] == SUMS:
            problems.append(Problem(file, shown(raw), expected, line=number))
        elif line[2] in said:
            problems.append(Problem(file, f"{line[2]} again", "each file once", line=number))
        else:
            said[line[2]] = line[1]
    for name in FILES:
        if name == SUMS or name not in digests:
            continue
        if name not in said:
            problems.append(Problem(file, f"no line for {name}", expected))
        elif said[name] != digests[name]:
            hint = "it was changed after the submission was made; make it again with biobench submit"
            problems.append(Problem(f"{file.removesuffix(SUMS)}{name}", f"sha256 {digests[name]}", said[name], hint))
    return problems
