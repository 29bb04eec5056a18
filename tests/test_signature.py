"""Signatures print, parse and compare."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.signature import Signature


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_printing_and_parsing_are_inverse(parts):
    try:
        signature = Signature.of(parts)
    except ValueError as error:
        assert "twice" in str(error)  # two keys became one when what a signature can't hold was replaced
        return
    assert Signature.parse(str(signature)) == signature if signature.items else not parts


def test_differences_are_named():
    this, that = Signature.parse("metric:meteor|tol:3s-full"), Signature.parse("metric:meteor|eps:0")
    assert this.differences(this) == ()
    assert this.differences(that) == ("tol: 3s-full against absent", "eps: absent against 0")


@pytest.mark.parametrize("text", ["meteor", "a:1|a:2", "a:", ":b", "a:b|", "a:b:c"])
def test_what_is_no_signature(text):
    with pytest.raises(ValueError, match="."):
        Signature.parse(text)
