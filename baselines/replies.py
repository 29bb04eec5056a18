"""Which part of a model's reply is a remark, if any."""

from __future__ import annotations

import re

from biobench.chat import Reply

__all__ = ["Unusable", "remark"]


class Unusable(ValueError):  # noqa: N818 - the reply is
    """Why a reply is no remark."""


def remark(reply: Reply, silence_word: str, most_characters: int) -> str | None:
    """The remark that a reply holds, None where the model chose silence: the word for it, in capitals, anywhere.

    Thoughts, quotes, Markdown and the speaker's name are taken off; of what is too long whole sentences are left.
    Raises ``Unusable`` for a reply without a whole sentence of a fitting length, a refusal, and what is no speech.
    """
    if reply.refusal is not None:
        raise Unusable("a refusal")
    # Some servers leave out the tag that opens a thought.
    text = _THOUGHT_END.split(reply.text)[-1]
    if _THOUGHT.search(text):
        raise Unusable("a thought that does not end")
    plain = _plain(text)
    if re.search(rf"\b{silence_word}\b", plain) or plain.strip(" .!?()[]<>").casefold() == silence_word.casefold():
        return None
    if plain[:1] in {"{", "["}:
        raise Unusable("data instead of a sentence")
    if not any(character.isalnum() for character in plain):
        raise Unusable("no word")
    ends = [found.end() for found in _SENTENCE_END.finditer(plain)]
    if reply.finish_reason != "length" and (not ends or ends[-1] < len(plain)):
        ends.append(len(plain))
    end = max((end for end in ends if end <= most_characters), default=0)
    if not end:
        raise Unusable(
            f"no whole sentence within {most_characters} characters" if ends else "a sentence that is cut off"
        )
    return plain[:end]


_THOUGHT = re.compile(r"</?think(?:ing)?>", re.IGNORECASE)
_THOUGHT_END = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?…]+[\"”’')\]]*(?=\s|$)")
_LINE_START = re.compile(r"^(?:#+|>|[-*•+])\s+")
_NUMBER = re.compile(r"^\d{1,2}[.)]\s+")
_MARKS = re.compile(r"```[a-z]*|`+|\*+|__+|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)")
_SPEAKER = re.compile(r"^(?:coach|trainer|remark|feedback|answer|assistant)\s*:\s*", re.IGNORECASE)
_QUOTES = ('""', "“”", "„“", "«»", "''", "‘’", "()")


def _plain(text: str) -> str:
    """One line of speech."""
    lines = [_LINE_START.sub("", line.strip()) for line in text.splitlines()]
    if sum(bool(_NUMBER.match(line)) for line in lines) > 1:  # a list; a lone number may be a count of repetitions
        lines = [_NUMBER.sub("", line) for line in lines]
    plain = _MARKS.sub("", " ".join(lines))
    plain = " ".join("".join(c if c.isprintable() else " " for c in plain).split())
    before = None
    while plain != before:
        before = plain
        plain = _SPEAKER.sub("", plain)
        if len(plain) > 1 and plain[0] + plain[-1] in _QUOTES and not set(plain[1:-1]) & {plain[0], plain[-1]}:
            plain = plain[1:-1].strip()
    return plain
