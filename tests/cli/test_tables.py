"""Tables line up, whatever is in them."""

from __future__ import annotations

from sloth_state.cli.tables import Column, table

Row = tuple[str, str, str]

COLUMNS = [
    Column[Row]("NAME", lambda row: row[0]),
    Column[Row]("STATUS", lambda row: row[1], {"success": "green"}),
    Column[Row]("NOTE", lambda row: row[2]),
]


def test_columns_are_aligned_with_two_spaces_and_no_space_at_the_end() -> None:
    rows = [("deploy", "success", "first"), ("db", "failed", "")]

    assert table(rows, COLUMNS) == [
        "NAME    STATUS   NOTE",
        "deploy  success  first",
        "db      failed",
    ]


def test_wide_characters_take_the_columns_they_take() -> None:
    assert table([("東京", "ok", "x"), ("abc", "ok", "y")], COLUMNS) == [
        "NAME  STATUS  NOTE",
        "東京  ok      x",
        "abc   ok      y",
    ]


def test_a_line_break_in_a_cell_breaks_no_line() -> None:
    assert table([("a", "b", "two\nlines")], COLUMNS) == [
        "NAME  STATUS  NOTE",
        "a     b       two\\nlines",
    ]


def test_colours_do_not_disturb_the_alignment() -> None:
    assert table([("a", "success", "x"), ("b", "failed", "y")], COLUMNS, colour=True) == [
        "\x1b[1mNAME\x1b[0m  \x1b[1mSTATUS\x1b[0m   \x1b[1mNOTE\x1b[0m",
        "a     \x1b[32msuccess\x1b[0m  x",
        "b     failed   y",
    ]


def test_the_widest_cells_are_shortened_to_fit_into_a_terminal() -> None:
    rows = [("deploy-prod", "success", "a description that is longer than the terminal")]

    assert table(rows, COLUMNS, room=40) == [
        "NAME         STATUS   NOTE",
        "deploy-prod  success  a description tha…",
    ]


def test_a_word_keeps_its_colour_when_it_is_shortened() -> None:
    rows = [("a", "success" * 3, "x")]
    columns = [COLUMNS[0], Column[Row]("STATUS", lambda row: row[1], {"success" * 3: "green"})]

    assert table(rows, columns, colour=True, room=16)[1] == "a     \x1b[32msuccesssucc…\x1b[0m"


def test_a_terminal_too_narrow_for_any_table_gets_one_all_the_same() -> None:
    assert table([("a" * 50, "b" * 50, "c" * 50)], COLUMNS, room=10) == [
        "NAME          STATUS        NOTE",
        "aaaaaaaaaaa…  bbbbbbbbbbb…  ccccccccccc…",
    ]


def test_an_indent_counts_as_width() -> None:
    assert table([("a" * 30, "b", "c")], COLUMNS, room=30, indent="  ") == [
        "  NAME            STATUS  NOTE",
        "  aaaaaaaaaaaaa…  b       c",
    ]
