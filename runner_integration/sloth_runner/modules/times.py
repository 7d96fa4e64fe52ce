"""The module `time`: moments as text and back."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import sloth_lua
from sloth_runner.host.module import LuaModule
from sloth_state.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sloth_runner.session import Session

# The parts of an example, and what strftime calls them. Longer ones come first.
_EXAMPLES = {
    "January": "%B",
    "Monday": "%A",
    ".000000": ".%f",
    ".000": ".%f",
    "-07:00": "%:z",
    "Z07:00": "%:z",
    "-0700": "%z",
    "2006": "%Y",
    "Jan": "%b",
    "Mon": "%a",
    "MST": "%Z",
    "01": "%m",
    "02": "%d",
    "03": "%I",
    "04": "%M",
    "05": "%S",
    "06": "%y",
    "15": "%H",
    "PM": "%p",
    "pm": "%P",
    "_2": "%e",
    "1": "%-m",
    "2": "%-d",
    "3": "%-I",
    "4": "%-M",
    "5": "%-S",
}
_EXAMPLE = "|".join(map(re.escape, _EXAMPLES))


def time_module(_session: Session) -> LuaModule:
    """`time`; the moments themselves are numbers in Lua."""
    operations: dict[str, Callable[..., Any]] = {
        "time.format": format_moment,
        "time.parse": parse_moment,
        "time.now": time.time,
    }
    return LuaModule("time", sloth_lua.on_first_use("time"), operations)


def format_moment(moment: float, layout: str | None = None) -> str:
    """A moment as text, in local time; RFC 3339 if there is no layout.

    A layout that begins with "!" is that of os.date for UTC.
    """
    from datetime import UTC, datetime

    try:
        local = datetime.fromtimestamp(moment, UTC)
        if layout is None or not layout.startswith("!"):
            local = local.astimezone()
    except (ValueError, OverflowError, OSError):
        raise InvalidValue(f"time.format: {moment:g} is no moment that has a date") from None
    if layout is None:
        return local.isoformat(timespec="seconds").replace("+00:00", "Z")
    layout = layout.removeprefix("!")
    if "%" in layout:
        return local.strftime(layout)
    return re.sub(_EXAMPLE, lambda found: _part(local, found[0]), layout)


def _part(local: datetime, example: str) -> str:
    offset = local.isoformat(timespec="seconds")[-6:]
    if example == "Z07:00" and offset == "+00:00":
        return "Z"
    if example == ".000":
        return f".{local.microsecond // 1000:03}"
    return offset if _EXAMPLES[example] == "%:z" else local.strftime(_EXAMPLES[example])


def parse_moment(layout: str, text: str) -> float | tuple[None, str]:
    """The moment that a text names, or None and what is wrong with it."""
    from datetime import UTC, datetime

    is_utc, layout = layout.startswith("!"), layout.removeprefix("!")
    code = layout if "%" in layout else re.sub(_EXAMPLE, lambda found: _EXAMPLES[found[0]], layout)
    code = re.sub(r"%[-:]?([a-zA-Z])", lambda found: "%" + _READ_AS.get(found[1], found[1]), code)
    try:
        moment = datetime.strptime(text, code)
        if is_utc and moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, OverflowError) as error:
        problem = str(error)
        if problem.startswith("time data "):  # the codes that it names are not the script's
            return None, f"{text!r} does not have the layout {layout!r}"
        return None, problem if "directive" in problem else f"{text!r} is no moment: {problem}"
    except re.error:  # strptime makes a group of each part, and does not look for doubles
        return None, f"the layout {layout!r} has a part twice; it comes first, and then the text"


_READ_AS = {"e": "d", "P": "p"}
"""Codes that strptime has not, and what reads the same."""
