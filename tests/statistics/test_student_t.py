"""Student's t against scipy.special 1.17: stdtrit, stdtr and nctdtr."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biobench.statistics.student import power_of_t, t_quantile, two_sided_p


@pytest.mark.parametrize(
    ("p", "df", "expected"),
    [
        (0.975, 1, 12.706204736174694),
        (0.975, 6, 2.4469118511449786),
        (0.975, 19, 2.0930240544083087),
        (0.975, 73, 1.992997125889855),
        (0.995, 6, 3.7074280213248065),
        (0.9, 3, 1.637744353696209),
        (0.025, 12, -2.1788128296672293),
        (0.9999999, 5, 39.341819621052615),
    ],
)
def test_quantiles_are_those_of_scipy(p, df, expected):
    assert t_quantile(p, df) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("t", "df", "expected"),
    [
        (2.0, 6, 0.09242631153167512),
        (0.1, 1, 0.936548965138893),
        (5.0, 73, 3.814349737378803e-06),
        (12.0, 19, 2.5908946372221965e-10),
        (-3.5, 4, 0.024896163460222748),
        (40.0, 100, 2.462107602140071e-63),
    ],
)
def test_tails_are_those_of_scipy(t, df, expected):
    assert two_sided_p(t, df) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    ("noncentrality", "df", "expected"),
    [
        (1.0, 6, 0.13561143790692748),
        (2.8, 6, 0.6483032975835921),
        (3.3658, 6, 0.7997517890398281),
        (2.8, 73, 0.7890209604615969),
        (4.0, 1, 0.2463555872889928),
    ],
)
def test_power_is_that_of_the_noncentral_t(noncentrality, df, expected):
    assert power_of_t(noncentrality, df) == pytest.approx(expected, abs=1e-9)


@given(st.floats(0.001, 0.999), st.integers(1, 500))
def test_the_quantile_inverts_the_tail(p, df):
    t = t_quantile(p, df)
    assert two_sided_p(t, df) == pytest.approx(2 * min(p, 1 - p), rel=1e-9)
    assert (t > 0) == (p > 0.5) or math.isclose(p, 0.5)


@pytest.mark.parametrize(("t", "df"), [(math.nan, 3), (1.0, 0)])
def test_what_has_no_tail_is_refused(t, df):
    with pytest.raises(ValueError, match="degree of freedom"):
        two_sided_p(t, df)


@pytest.mark.parametrize("p", [0.0, 1.0, -0.2, math.nan])
def test_what_has_no_quantile_is_refused(p):
    with pytest.raises(ValueError, match="0 < p < 1"):
        t_quantile(p, 3)


def test_far_tails():
    assert two_sided_p(math.inf, 5) == 0.0
    assert two_sided_p(0.0, 5) == 1.0
