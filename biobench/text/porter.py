"""Porter's stemmer (Program 14.3, 1980) with nltk's extensions, equal to nltk's default mode."""

from __future__ import annotations

__all__ = ["stem"]


def stem(word: str) -> str:
    """The stem of a word, in lower case.

    Equal to ``nltk.stem.porter.PorterStemmer().stem(word)`` of nltk 3.9.1, but for words with about a
    thousand letters y in a row, on which nltk exceeds Python's recursion limit.

    >>> [stem(word) for word in ("flexibility", "straightened", "hips", "dying", "skies")]
    ['flexibl', 'straighten', 'hip', 'die', 'sky']
    """
    text = word.lower()
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 2:
        return text
    if text[-1] == "s":
        text = _without_plural(text)
    text = _without_past_or_participle(text)
    if text[-1] == "y" and len(text) > 2 and _shape(text[:-1])[-1] == "c":
        text = text[:-1] + "i"
    text = _double_suffix(text)
    text = _replaced(text, _STEP_3, _STEP_3_ENDINGS, least=1)
    text = _single_suffix(text)
    return _tidied(text)


def _without_plural(text: str) -> str:
    """Step 1a."""
    if text.endswith("ies"):
        return text[:-1] if len(text) == 4 else text[:-2]
    if text.endswith("sses"):
        return text[:-2]
    return text if text.endswith("ss") else text[:-1]


def _without_past_or_participle(text: str) -> str:
    """Step 1b."""
    if text.endswith("ed"):
        if text.endswith("ied"):
            return text[:-1] if len(text) == 4 else text[:-2]
        if text.endswith("eed"):
            return text[:-1] if _measure(text[:-3]) > 0 else text
        base = text[:-2]
    elif text.endswith("ing"):
        base = text[:-3]
    else:
        return text
    shape = _shape(base)
    if "v" not in shape:
        return text
    if base.endswith(("at", "bl", "iz")):
        return base + "e"
    if base[-2:-1] == base[-1] and shape[-1] == "c":
        return base if base[-1] in "lsz" else base[:-1]
    if base.endswith("*d"):
        return base[:-2] + "d"  # nltk also reads its name of the double-letter rule as if it were a suffix
    return base + "e" if shape.count("vc") == 1 and _is_short(base, shape) else base


def _double_suffix(text: str) -> str:
    """Step 2."""
    if text.endswith("alli") and _measure(text[:-4]) > 0:
        text = text[:-2]
    if text.endswith("logi"):
        return text[:-1] if _measure(text[:-3]) > 0 else text
    return _replaced(text, _STEP_2, _STEP_2_ENDINGS, least=1)


def _single_suffix(text: str) -> str:
    """Step 4."""
    if text.endswith("ion"):
        return text[:-3] if text[-4:-3] in {"s", "t"} and _measure(text[:-3]) > 1 else text
    return _replaced(text, _STEP_4, _STEP_4_ENDINGS, least=2)


def _tidied(text: str) -> str:
    """Steps 5a and 5b."""
    if text.endswith("e"):
        shape = _shape(text[:-1])
        measure = shape.count("vc")
        if measure > 1 or (measure == 1 and not _is_short(text[:-1], shape)):
            text = text[:-1]
    return text[:-1] if text.endswith("ll") and _measure(text[:-1]) > 1 else text


def _replaced(text: str, rules: tuple[tuple[str, str], ...], endings: tuple[str, ...], least: int) -> str:
    """The first rule whose ending fits decides, whether or not what is left before it is long enough."""
    if text.endswith(endings):
        for ending, replacement in rules:
            if text.endswith(ending):
                rest = text[: -len(ending)]
                return rest + replacement if _measure(rest) >= least else text
    return text


def _measure(text: str) -> int:
    """Porter's m: how often a vowel is followed by a consonant."""
    return _shape(text).count("vc")


def _is_short(text: str, shape: str) -> bool:
    """Porter's *o: consonant, vowel, consonant at the end; nltk adds words of a vowel and a consonant."""
    return (shape.endswith("cvc") and text[-1] not in "wxy") or shape == "vc"


def _shape(text: str) -> str:
    """``c`` or ``v`` for each letter: a, e, i, o, u are vowels, y after a consonant too, all else is none."""
    shape = text.translate(_SHAPES)
    if "y" in shape:
        letters = list(shape)
        before = "v"
        for place, letter in enumerate(letters):
            if letter == "y":
                letters[place] = "c" if before == "v" else "v"
            before = letters[place]
        shape = "".join(letters)
    return shape


class _Shapes(dict[int, str]):
    """A table for ``str.translate`` that has an answer for every character."""

    def __missing__(self, character: int) -> str:
        return "c"


_SHAPES = _Shapes({**dict.fromkeys(b"bcdfghjklmnpqrstvwxz", "c"), **dict.fromkeys(b"aeiou", "v"), ord("y"): "y"})

_IRREGULAR = {
    form: word
    for word, forms in {
        "sky": "sky skies", "die": "dying", "lie": "lying", "tie": "tying", "news": "news", "howe": "howe",
        "inning": "inning innings", "outing": "outing outings", "canning": "canning cannings",
        "proceed": "proceed", "exceed": "exceed", "succeed": "succeed",
    }.items()
    for form in forms.split()
}  # fmt: skip

_STEP_2 = (
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"),
    ("bli", "ble"), ("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"),
    ("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"),
    ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"), ("fulli", "ful"),
)  # fmt: skip
_STEP_3 = (
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""),
    ("ness", ""),
)  # fmt: skip
_STEP_4_ENDINGS = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ou", "ism", "ate",
    "iti", "ous", "ive", "ize",
)  # fmt: skip
_STEP_4 = tuple((ending, "") for ending in _STEP_4_ENDINGS)
_STEP_2_ENDINGS = tuple(ending for ending, _ in _STEP_2)
_STEP_3_ENDINGS = tuple(ending for ending, _ in _STEP_3)
