"""Text to token ids and back, for a small vocabulary of our own or for LLaMA's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from biobench.problems import Problem, ProblemsFound

__all__ = ["ACTIONS", "Codec", "SmallCodec", "learned_codec", "read_codec"]

ACTIONS = ("<vision>", "<answer>", "<answer/>")
_SPECIAL = ("<pad>", "<s>", *ACTIONS)


class Codec(Protocol):
    """What the coach needs of a tokenizer."""

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without a start or an end."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""
        ...


class SmallCodec:
    """A byte-level BPE that takes digits one by one; ids 0 to 4 are padding, start and the action tokens."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        ids = {name: tokenizer.token_to_id(name) for name in _SPECIAL}
        known = {name: k for name, k in ids.items() if k is not None}
        if len(known) < len(ids):
            raise ValueError(f"a vocabulary without {', '.join(sorted(set(ids) - set(known)))}")
        self.start = known["<s>"]
        self.actions = {name: known[name] for name in ACTIONS}

    def __len__(self) -> int:
        return self._tokenizer.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """Ids of a text; what looks like an action token in it is text like any other."""
        return list(self._tokenizer.encode(_harmless(text), add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, without action tokens, and with a replacement character for bytes that are no text."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=True)

    def to_json(self) -> str:
        """The ``tokenizers`` library's own format."""
        return self._tokenizer.to_str()


def learned_codec(texts: Iterable[str], size: int) -> SmallCodec:
    """A vocabulary of at most ``size`` tokens for texts like these; the same texts give the same vocabulary."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[AddedToken(name, normalized=False, special=True) for name in _SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(map(_harmless, texts), trainer)
    return SmallCodec(tokenizer)


def read_codec(path: Path) -> SmallCodec:
    """A vocabulary as ``to_json`` wrote it. Raises ``ProblemsFound`` for another file."""
    expected = "a tokenizer.json of the tokenizers library with the action tokens " + ", ".join(ACTIONS)
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exception for a damaged file
        raise ProblemsFound([Problem(str(path), f"a file that can't be read ({error})", expected)]) from error
    if any(tokenizer.token_to_id(name) is None for name in _SPECIAL):
        raise ProblemsFound([Problem(str(path), "a vocabulary without them", expected)])
    return SmallCodec(tokenizer)


def _harmless(text: str) -> str:
    """Special tokens can't be written by a text: a zero-width space would stay, so the bracket becomes another one."""
    for name in _SPECIAL:
        text = text.replace(name, f"({name[1:-1]})")
    return text
