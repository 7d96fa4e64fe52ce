"""Times, durations and text as people see them."""

from __future__ import annotations

import pytest

from sloth_state.cli.text import counted, duration, printable, shortened, width


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.0, "0ms"),
        (0.0123, "12ms"),
        (0.0994, "99ms"),
        (0.0995, "0.1s"),
        (1.24, "1.2s"),
        (59.94, "59.9s"),
        (59.96, "1m 00s"),
        (185.4, "3m 05s"),
        (3599.6, "1h 00m"),
        (7384.0, "2h 03m"),
        (97_200.0, "1d 03h"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_what_could_move_a_cursor_or_break_a_line_is_escaped() -> None:
    assert printable("a\x1b[31mb\nc\u202ed\udc80") == "a\\x1b[31mb\\nc\\u202ed\\udc80"


def test_text_without_such_characters_stays_as_it_is() -> None:
    assert printable("Grüße aus 東京 ✓") == "Grüße aus 東京 ✓"


def test_lines_may_be_kept() -> None:
    assert printable("one\n\ttwo\x07", keep="\n\t") == "one\n\ttwo\\x07"


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("東京", 4), ("e\u0301", 1), ("naïve", 5), ("", 0)]
)
def test_width_is_columns_of_a_terminal_not_characters(text: str, columns: int) -> None:
    assert width(text) == columns


def test_a_shortened_text_says_that_something_is_missing() -> None:
    assert shortened("deploy-production", 10) == "deploy-pr…"
    assert shortened("deploy-pro", 10) == "deploy-pro"


def test_a_wide_character_is_not_cut_in_half() -> None:
    assert shortened("東京都庁", 6) == "東京…"
    assert shortened("東京都庁", 7) == "東京都…"


def test_counts_agree_with_their_noun() -> None:
    assert [counted(number, "run") for number in (0, 1, 2, 100_000)] == [
        "0 runs",
        "1 run",
        "2 runs",
        "100,000 runs",
    ]
