"""The authors' cross-attention weights, whose names are not known: matched by what names say, by shape and by order.

Nothing is ignored: a tensor without a place, or a parameter without a tensor, is an error that lists both sides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from biobench.problems import Problem, ProblemsFound
from biocoach_model.checkpoints import read_tensors
from biocoach_model.fusion import MorphometricFusion

__all__ = ["Matched", "fill_fusion", "match", "read_fusion"]

_ROLES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("alpha", re.compile(r"(^|[._])(res(idual)?_)?(alpha|gate|gamma|scale)([._]|$)")),
    ("norm", re.compile(r"norm|(^|[._])ln([._\d]|$)")),
    ("out", re.compile(r"(^|[._])(w_?o|(to_)?o(ut|utput)?|proj_out|out_?proj|o_?proj)([._]|$)")),
    ("query", re.compile(r"(^|[._])(w_?q|(to_)?q(uery)?|q(uery)?_?proj)([._]|$)")),
    ("key", re.compile(r"(^|[._])(w_?k|(to_)?k(eys?)?|k(eys?)?_?proj)([._]|$)")),
    ("value", re.compile(r"(^|[._])(w_?v|(to_)?v(alues?)?|v(alues?)?_?proj)([._]|$)")),
)
"""What the words of a name say; the first that fits. A norm is asked before the rest: ``norm_q`` is a norm."""
_LAST_NORM = re.compile(r"out|post|final|after|(norm|ln)_?2")
_FIRST_NORM = re.compile(
    r"in(put)?([._]|$)|pre|before|(^|[._])(norm|ln)_?(q|v|vis\w*|feat\w*|1)([._]|$)|(q|query|vis\w*)_(norm|ln)"
)
_PACKED = ("query", "key", "value")


@dataclass(frozen=True, slots=True)
class Matched:
    """One of the authors' tensors (or a third of a packed one), the parameter that it fills, and how it was found."""

    source: str
    parameter: str
    how: str

    def __str__(self) -> str:
        return f"{self.source} -> {self.parameter} ({self.how})"


@dataclass(frozen=True, slots=True, eq=False)
class _Tensor:
    name: str
    value: Tensor
    role: str | None
    kind: str | None


def read_fusion(path: Path, channels: int, words: int, *, pooled: bool) -> tuple[MorphometricFusion, list[Matched]]:
    """The fusion with the weights of a file. Raises ``ProblemsFound`` for a file that does not fit."""
    fusion = MorphometricFusion(channels, words, pooled=pooled)
    return fusion, fill_fusion(fusion, read_tensors(path), str(path))


def fill_fusion(fusion: MorphometricFusion, tensors: Mapping[str, Tensor], where: str) -> list[Matched]:
    """Fills a fusion with tensors of any naming and says which went where. Raises ``ProblemsFound`` with both sides' rest."""
    values, matched = match({name: tuple(p.shape) for name, p in fusion.state_dict().items()}, tensors, where)
    fusion.load_state_dict({name: value.float() for name, value in values.items()})
    return matched


def match(
    wanted: Mapping[str, tuple[int, ...]], tensors: Mapping[str, Tensor], where: str
) -> tuple[dict[str, Tensor], list[Matched]]:
    """Tensors by the names of ``MorphometricFusion``'s parameters.

    First those whose names say what they are; then those whose names say nothing, where as many tensors as parameters of
    a shape are left: the first fills the first. ``torch.nn.MultiheadAttention``'s packed weights are taken apart.
    """
    left = [one for name, value in tensors.items() for one in _unpacked(name, value)]
    bad = [
        Problem(where, f"{one.name} with NaN or infinite values", "finite numbers")
        for one in left
        if not bool(torch.isfinite(one.value.float()).all())
    ]
    if bad:
        raise ProblemsFound(bad)
    open_ = dict(wanted)
    values: dict[str, Tensor] = {}
    matched: list[Matched] = []

    def take(group: Sequence[_Tensor], names: Sequence[str], how: str) -> None:
        for one, name in zip(group, names, strict=True):
            values[name] = one.value.reshape(wanted[name])
            matched.append(Matched(one.name, name, how))
            left.remove(one)
            del open_[name]

    for role in ("alpha", "norm_in", "norm_out", "norm", *_PACKED, "out"):
        for kind in ("weight", "bias", None):
            group = [one for one in left if one.role == role and one.kind == kind]
            names = [name for name in open_ if _role_fits(name, role) and kind in (None, _kind_of(name))]
            fits = all(_same(one.value, wanted[name]) for one, name in zip(group, names, strict=False))
            if group and len(group) == len(names) and fits:
                take(group, names, "by name")
    for kind in ("weight", "bias", None):
        for shape in sorted(set(open_.values())):
            group = [one for one in left if one.role is None and one.kind == kind and _same(one.value, shape)]
            names = [name for name in open_ if open_[name] == shape and kind in (None, _kind_of(name))]
            if group and len(group) == len(names):
                take(group, names, "by shape and order")
    if left or open_:
        raise ProblemsFound([_rest(where, left, open_)])
    order = list(wanted)
    return values, sorted(matched, key=lambda one: order.index(one.parameter))


def _unpacked(name: str, value: Tensor) -> list[_Tensor]:
    """A tensor with what its name says; a packed one as three."""
    last = name.rpartition(".")[2]
    packed = re.search(r"(in_proj|qkv)(\.|_)(weight|bias)$", name)
    if packed and value.ndim and len(value) % 3 == 0:
        thirds = value.chunk(3)
        return [
            _Tensor(f"{name}[{k + 1}/3]", third, role, packed[3])
            for k, (role, third) in enumerate(zip(_PACKED, thirds, strict=True))
        ]
    kind = next((kind for kind in ("weight", "bias") if last.endswith(kind)), None)
    words = re.sub(r"[._]?(weight|bias)$", "", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower())
    tail = ".".join(words.split(".")[-2:])
    role = next((role for role, pattern in _ROLES if pattern.search(words.rpartition(".")[2])), None)
    role = role or next((role for role, pattern in _ROLES if pattern.search(tail)), None)
    if role == "norm":
        role = "norm_out" if _LAST_NORM.search(tail) else "norm_in" if _FIRST_NORM.search(tail) else "norm"
    return [_Tensor(name, value, role, kind)]


def _role_fits(parameter: str, role: str) -> bool:
    part = parameter.partition(".")[0]
    return part.startswith("norm") if role == "norm" else part == role


def _kind_of(parameter: str) -> str | None:
    return parameter.partition(".")[2] or None


def _same(value: Tensor, shape: tuple[int, ...]) -> bool:
    """Whether a tensor has a shape; a number may be one of one element."""
    return tuple(value.shape) == shape or (shape == () and value.numel() == 1)


def _rest(where: str, left: Sequence[_Tensor], open_: Mapping[str, tuple[int, ...]]) -> Problem:
    tensors = ", ".join(f"{one.name} {list(one.value.shape)}" for one in left) or "none"
    parameters = ", ".join(f"{name} {list(shape)}" for name, shape in open_.items()) or "none"
    return Problem(
        where,
        f"cross-attention weights that don't fit: tensors without a place: {tensors}; parameters without one: {parameters}",
        "one tensor for each parameter: two layer norms, query, key, value and output with biases, and alpha",
        "leave cross_attention_weights_path out to run without measures",
    )
