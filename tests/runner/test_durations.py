"""Durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloth_runner.durations import LONGEST, parse_duration
from sloth_state.errors import InvalidValue

SECONDS = {
    "0": 0, "5": 5, "1.5": 1.5, " 7 ": 7, "90s": 90, "250ms": 0.25, "5m": 300, "1h": 3600, "2d": 172800,
    "1h30m": 5400, "1h 30m": 5400, "1m1m": 120, "0.5h": 1800, "5 m": 300, "1d2h3m4s5ms": 93784.005, "100ms": 0.1,
}  # fmt: skip


@pytest.mark.parametrize(("text", "seconds"), SECONDS.items())
def test_a_duration_is_so_many_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("number", [0, 5, 1.5, LONGEST])
def test_a_number_is_seconds(number: float) -> None:
    assert parse_duration(number) == number


WRONG = ["", " ", "soon", "5 minutes", "1h30", "30 1h", "-5", "-5m", "+5", "1e3", "1_000", "0x10", "٣", "1,5", ".5", "5.",
         "1h!", "nan", "inf", "5M", "5S", "--", "1.2.3s"]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_duration(text)
    assert caught.value.message == f"{text!r} is not a duration"
    assert caught.value.hint == 'Write "1h30m", "90s", "250ms" or a number of seconds.'


@pytest.mark.parametrize("number", [-1, -0.001, float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_no_time_is_refused(number: float) -> None:
    with pytest.raises(InvalidValue, match="is not a duration"):
        parse_duration(number)


@pytest.mark.parametrize("text", ["36501d", 1e300, "9" * 100, "99999999999h"])
def test_a_time_that_nobody_will_see_is_refused(text: str | float) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_duration(text)
    assert caught.value.message == f"{text!r} is longer than 100 years"


@given(
    st.text(max_size=8) | st.from_regex(r"[0-9.]{0,4}(ms|[dhms])?[0-9]{0,3}[dhms]?", fullmatch=True)
)
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except InvalidValue:
        return
    assert 0 <= seconds <= LONGEST
