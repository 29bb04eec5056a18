"""Log probabilities of a reply's tokens, as a server of the OpenAI kind returns them."""

from __future__ import annotations

from math import log

from judges.fake_server.replies import find_score

__all__ = ["TOKEN_CHARACTERS", "digit_masses", "token_logprobs"]

TOKEN_CHARACTERS = 4
_DIGITS = ("1", "2", "3", "4", "5")
_CHOSEN = 0.7
_OTHERS = 0.26
_CERTAIN = 0.99


def digit_masses(chosen: str) -> dict[str, float]:
    """The probability of each digit, highest first: .7 for the chosen one, .26 over the others, a third a step away.

    They sum to .96, because a real model leaves something to tokens that are no score.
    """
    weights = {digit: 3.0 ** -abs(int(digit) - int(chosen)) for digit in _DIGITS if digit != chosen}
    unit = _OTHERS / sum(weights.values())
    masses = {chosen: _CHOSEN, **{digit: weight * unit for digit, weight in weights.items()}}
    return dict(sorted(masses.items(), key=lambda pair: (-pair[1], pair[0])))


def token_logprobs(text: str, top: int) -> list[dict[str, object]]:
    """``logprobs.content``: the text in tokens of four characters, the score's digit a token of its own.

    The digit has the digits 1 to 5 as alternatives, of which the ``top`` likeliest are given; other tokens have none
    but themselves.
    """
    place = find_score(text)
    if place is None or text[slice(*place)] not in _DIGITS:
        return _pieces(text, top)
    digit = text[slice(*place)]
    masses = digit_masses(digit)
    alternatives = [_token(other, mass) for other, mass in list(masses.items())[:top]]
    own = {**_token(digit, masses[digit]), "top_logprobs": alternatives}
    return [*_pieces(text[: place[0]], top), own, *_pieces(text[place[1] :], top)]


def _pieces(text: str, top: int) -> list[dict[str, object]]:
    tokens = (_token(text[at : at + TOKEN_CHARACTERS], _CERTAIN) for at in range(0, len(text), TOKEN_CHARACTERS))
    return [{**token, "top_logprobs": [token][:top]} for token in tokens]


def _token(text: str, mass: float) -> dict[str, object]:
    return {"token": text, "logprob": log(mass), "bytes": list(text.encode(errors="surrogatepass"))}
