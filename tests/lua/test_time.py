"""The module `time`: moments as text and back, in several time zones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

MOMENT = 1707049998  # 2024-02-04 12:33:18 UTC, a Sunday


@pytest.fixture(params=["Europe/Paris"])
def zone(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


# An expression, and all its results, in Paris.
RESULTS = {
    "time.format(MOMENT, '2006-01-02 15:04:05')": ["2024-02-04 13:33:18"],
    "time.format(MOMENT, '02.01.06')": ["04.02.24"],
    "time.format(MOMENT, 'Mon Jan _2 3:04:05PM MST 2006')": ["Sun Feb  4 1:33:18PM CET 2024"],
    "time.format(MOMENT, 'Monday, 2 January')": ["Sunday, 4 February"],
    "time.format(MOMENT, '1/2/2006 3:4:5')": ["2/4/2024 1:33:18"],
    "time.format(MOMENT, '2006-01-02T15:04:05Z07:00')": ["2024-02-04T13:33:18+01:00"],
    "time.format(MOMENT, '-07:00 -0700')": ["+01:00 +0100"],
    "time.format(MOMENT, '%Y-%m-%d %H:%M:%S')": ["2024-02-04 13:33:18"],
    "time.format(MOMENT, '!%H:%M %Z'), time.format(MOMENT, '!15:04 Z07:00')": ["12:33 UTC", "12:33 Z"],
    "time.format(MOMENT) == time.rfc3339(MOMENT) and time.format(MOMENT)": ["2024-02-04T13:33:18+01:00"],
    "time.format(MOMENT + 0.9, '05')": ["18"],
    "time.format(0, '2006-01-02')": ["1970-01-01"],
    "time.format(-86400, '2006-01-02')": ["1969-12-31"],
    "time.format(MOMENT + 180 * 86400, '15:04 MST')": ["14:33 CEST"],
    "time.format(nil, '%Y') == os.date('%Y'), time.rfc3339():sub(1, 4) == os.date('%Y')": [True, True],
    "time.parse('2006-01-02 15:04:05', '2024-02-04 13:33:18')": [MOMENT],
    "time.parse('%Y-%m-%d %H:%M:%S', '2024-02-04 13:33:18')": [MOMENT],
    "time.parse('2006-01-02T15:04:05Z07:00', '2024-02-04T12:33:18Z')": [MOMENT],
    "time.parse('2006-01-02T15:04:05Z07:00', '2024-02-04T14:33:18+02:00')": [MOMENT],
    "time.parse('Jan 2, 2006 3:04PM', 'Feb 4, 2024 1:33PM')": [MOMENT - 18],
    "time.parse('_2/1/06', ' 4/2/24')": [MOMENT - 18 - 33 * 60 - 13 * 3600],
    "time.format(MOMENT + 0.5625, '05.000'), time.format(MOMENT + 0.5625, '05.000000')": ["18.562", "18.562500"],
    "time.parse('2006-01-02 15:04:05.000', '2024-02-04 13:33:18.500')": [MOMENT + 0.5],
    "time.parse('!%Y-%m-%d %H:%M:%S', '2024-02-04 12:33:18')": [MOMENT],
    "time.parse('!2006-01-02T15:04:05-07:00', '2024-02-04T13:33:18+01:00')": [MOMENT],
    "time.parse('2006-01-02', 'soon')": [None, "'soon' does not have the layout '2006-01-02'"],
    "time.parse('2006-01-02', '2024-02-30')": [None, "'2024-02-30' is no moment: day is out of range for month"],
    "time.parse('%Q', 'x')": [None, "'Q' is a bad directive in format '%Q'"],
    "time.parse('2024-01-02', '%Y-%m-%d')": [
        None, "the layout '2024-01-02' has a part twice; it comes first, and then the text"
    ],
    "time.year(MOMENT), time.month(MOMENT), time.day(MOMENT), time.hour(MOMENT), time.minute(MOMENT), time.second(MOMENT)": [2024, 2, 4, 13, 33, 18],
    "time.year() == tonumber(os.date('%Y'))": [True],
    "time.weekday(MOMENT)": ["Sunday"],
    "time.now() == os.time() or time.now() == os.time()": [True],
    "time.unix(MOMENT + 0.7), time.unix() - os.time() < 2": [MOMENT, True],
    "time.add(MOMENT, '2h30m') - MOMENT, time.add(MOMENT, 5) - MOMENT, time.sub(MOMENT, '1m') - MOMENT": [9000, 5, -60],
    "time.duration('1h30m'), time.duration('250ms'), time.duration(5)": [5400, 0.25, 5],
    "time.duration('soon')": [None, "'soon' is not a duration. Write \"1h30m\", \"90s\", \"250ms\" or a number of seconds."],
    "time.since(os.time() - 100) >= 100 and time.since(os.time() - 100) < 102": [True],
    "time.truncate(MOMENT, '1h') - MOMENT, time.round(MOMENT, '1h') - MOMENT, time.round(MOMENT - 600, 3600) - MOMENT": [-1998, 1602, -1998],
    "time.before(1, 2), time.before(2, 2), time.after(2, 1), time.after(2, 2), time.equal(2, 2), time.equal(1, 2)": [
        True, False, True, False, True, False,
    ],
}  # fmt: skip


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(("call", "results"), RESULTS.items(), ids=range(len(RESULTS)))
def test_a_moment_and_its_text(script: Any, call: str, results: list[Any]) -> None:
    assert script.values(call.replace("MOMENT", str(MOMENT))) == results


def test_sleep_takes_seconds_and_durations_and_lets_others_go_on(script: Any) -> None:
    source = """
        local order = {}
        goroutine.spawn(function() time.sleep(0.02) order[#order + 1] = "other" end)
        time.sleep("60ms") time.sleep(0)
        print(order[1], time.sleep(0.05))
    """
    started = time.monotonic()
    assert script(source).lines == ["other"]
    assert 0.11 <= time.monotonic() - started < 2


def test_sleep_does_not_wait_when_a_file_is_only_looked_at(script: Any) -> None:
    started = time.monotonic()
    script("time.sleep('10m')", inspecting=True)
    assert time.monotonic() - started < 2


REFUSED = {
    "time.format('x')": 'time.format: moment must be a number, not the string "x"',
    "time.format(1, {})": "time.format: layout must be a string, not a table",
    "time.format(1e300)": "time.format: 1e+300 is no moment that has a date",
    "time.format(0/0)": "time.format: nan is no moment that has a date",
    "time.parse('2006')": "time.parse: text must be a string, not nothing",
    "time.add(nil, 1)": "time.add: moment must be a number, not nothing",
    "time.add(1, 'soon')": "time.add: duration: 'soon' is not a duration",
    "time.sleep()": "time.sleep: duration must be a duration, not nothing",
    "time.since()": "time.since: moment must be a number, not nothing",
    "time.truncate(1, 0)": "time.truncate: duration must be more than 0",
    "time.rfc3339(1e300)": "time.rfc3339: 1e+300 is no moment that has a date",
    "time.year(1e300)": "time.year: 1e+300 is no moment that has a date",
    "time.hour({})": "time.hour: moment must be a number, not a table",
    "time.before(1)": "time.before: other must be a number, not nothing",
}


@pytest.mark.parametrize(("call", "message"), REFUSED.items(), ids=REFUSED)
def test_a_wrong_argument_is_an_error_at_its_line(script: Any, call: str, message: str) -> None:
    assert str(script.error(f"\nlocal x = {call}")).startswith(f"t.sloth:2: {message}")
