"""Parts of files that `file_ops` brings into a state: a line, a block of lines, what matches."""

from __future__ import annotations

import os
import re
from io import BytesIO
from typing import TYPE_CHECKING, Any

from sloth_runner.errors import WorkflowError
from sloth_runner.modules.placing import (
    back_up,
    held,
    make_folder_of,
    permissions_for,
    set_permissions,
    write,
)
from sloth_runner.providers.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_runner.modules.placing import Options


def _edited(target: str, options: Options, edit: Callable[[Lines], bool]) -> dict[str, Any]:
    """Change the lines of a file, and its permissions; `edit` says whether it changed any."""
    with held(target) as path:
        if not os.path.exists(path):
            if options["state"] == "absent":
                return {"changed": False}
            if options.get("create") is False:
                raise WorkflowError(f"{path}: No such file or directory")
        lines = Lines(path)
        changed = edit(lines)
        backup = back_up(path, options) if changed else {}
        if changed:
            make_folder_of(path)
            lines.save()
        return {"changed": set_permissions(path, options) or changed, **backup}


def edit_line(target: str, options: Options) -> dict[str, Any]:
    """See to it that a line is there, or is not (`state`)."""
    pattern = options.get("regexp")

    def matches(text: str) -> bool:
        return pattern is not None and re.search(pattern, text) is not None

    def remove(lines: Lines) -> bool:
        found = lines.find(lambda text: text == options.get("line") or matches(text))
        for index in reversed(found):
            lines.remove(index)
        return bool(found)

    def ensure(lines: Lines) -> bool:
        line, found = options["line"], lines.find(matches)
        if found and lines.texts()[found[-1]] != line:
            lines.replace(found[-1], line)
            return True
        if found or lines.find(line.__eq__):
            return False
        lines.insert(_place_of(lines, options), line)
        return True

    return _edited(target, options, remove if options["state"] == "absent" else ensure)


def edit_block(target: str, options: Options) -> dict[str, Any]:
    """See to it that lines are between two marking lines, or that none of these is there."""
    wanted = [options["marker_begin"], *_lines_of(options), options["marker_end"]]
    if options["state"] == "absent":
        wanted = []

    def edit(lines: Lines) -> bool:
        start, end = _block(lines, options["marker_begin"], options["marker_end"])
        if start is None:
            start = end = _place_of(lines, options)
        if lines.texts()[start:end] == wanted:
            return False
        for _ in range(start, end):
            lines.remove(start)
        for index, text in enumerate(wanted, start):
            lines.insert(index, text)
        return True

    return _edited(target, options, edit)


def _lines_of(options: Options) -> list[str]:
    return str(options.get("block") or "").removesuffix("\n").split("\n")


def _block(lines: Lines, begin: str, end: str) -> tuple[int, int] | tuple[None, int]:
    """Where a block begins, and where it has ended; None if there is none."""
    texts = lines.texts()
    if begin not in texts:
        return None, 0
    start = texts.index(begin)
    if end not in texts[start:]:
        raise WorkflowError(f"{lines.path} has the line {begin!r}, and no {end!r} after it")
    return start, texts.index(end, start) + 1


def _place_of(lines: Lines, options: Options) -> int:
    """Where a new line goes: after or before the last match, or else to the end."""
    after, before = options.get("insertafter", "EOF"), options.get("insertbefore")
    if before == "BOF":
        return 0
    pattern = before or after
    found = [] if pattern == "EOF" else lines.find(lambda text: bool(re.search(pattern, text)))
    return found[-1] + (0 if before else 1) if found else len(lines)


def replace_matches(target: str, options: Options) -> dict[str, Any]:
    """Replace all that matches a pattern. Raises re.error for a bad replacement."""
    with held(target) as path:
        with open(path, "rb") as file:
            text = file.read().decode("utf-8", "surrogateescape")
        pattern = re.compile(options["pattern"], re.MULTILINE)
        new, count = pattern.subn(options["replacement"], text)
        if new == text:
            return {"changed": set_permissions(path, options), "replacements": 0}
        backup = back_up(path, options)
        content = BytesIO(new.encode("utf-8", "surrogateescape"))
        write(content, path, permissions_for(path, options))
        return {"changed": True, "replacements": count, **backup}
