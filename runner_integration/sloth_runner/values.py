"""The values a workflow runs with: files of YAML or JSON, and single ones from the command line."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from sloth_state.errors import InvalidValue, NotFound, UsageError
from sloth_state.values import canonical, check_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sloth_state.model import Json

_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_WORDS: Mapping[str, Json] = {"true": True, "false": False, "null": None}

MOST_VALUES = 1_000_000
"""In one file. A kilobyte of YAML whose aliases repeat each other can stand for billions."""
_FORM = "For instance: replicas: 3"


def merged_values(files: Iterable[str], assignments: Iterable[str]) -> dict[str, Any]:
    """What --values and --set give together; the later one wins, maps are merged.

    Raises NotFound, UsageError or InvalidValue for what cannot be read.
    """
    merged: dict[str, Any] = {}
    for path in files:
        merged = _overlay(merged, _read(path))
    for assignment in assignments:
        merged = _overlay(merged, _parse_assignment(assignment, merged))
    return merged


def _overlay(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        both_maps = isinstance(known, dict) and isinstance(value, dict)
        merged[key] = _overlay(known, value) if both_maps else value  # type: ignore[arg-type]
    return merged


def _read(path: str) -> dict[str, Any]:
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            content = yaml.safe_load(file)
    except FileNotFoundError:
        raise NotFound(f"there is no values file {path}", hint="Check the path.") from None
    except OSError as error:
        raise UsageError(
            f"the values file {path} cannot be read: {error.strerror}", hint="Name a YAML file."
        ) from None
    except UnicodeDecodeError:
        raise UsageError(f"the values file {path} is not UTF-8 text", hint=_FORM) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(
            f"the values file {path} is not YAML: {_place(error)}", hint=_FORM
        ) from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(f"the values file {path} must hold a map of names to values", hint=_FORM)
    return _checked(content, path)


def _place(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"{problem} at line {mark.line + 1}" if mark else problem


def _checked(content: dict[str, Any], path: str) -> dict[str, Any]:
    """YAML knows more than JSON: dates become text; keys that are no text, and all else, do not."""
    try:
        if next(islice(_values_in(content), MOST_VALUES, None), None) is not None:
            raise InvalidValue(
                f"{path} has more than {MOST_VALUES:,} values, repeated ones included"
            )
        plain: dict[str, Any] = _without_dates(content)
        canonical(plain, f"{path}: values")
    except RecursionError:
        raise InvalidValue(f"{path}: values is nested too deeply, or contains itself") from None
    return plain


def _values_in(value: Any) -> Iterator[int]:
    """Something for each value; one that an alias repeats is as many as it is repeated."""
    yield 1
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _values_in(item)


def _without_dates(value: Any) -> Any:
    from datetime import date

    if isinstance(value, dict):
        return {key: _without_dates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_dates(item) for item in value]
    return str(value) if isinstance(value, date) else value


def _parse_assignment(assignment: str, below: Mapping[str, Any]) -> dict[str, Any]:
    """ "web.replicas=3" as {"web": {"replicas": 3}}, if "web" below is not something else."""
    key, equals, value = assignment.partition("=")
    parts = key.split(".")
    if not equals or not all(parts):
        raise UsageError(
            f"--set {assignment!r} is not name=value", hint="For instance: --set web.replicas=3"
        )
    nested: Any = _parse_scalar(value)
    check_text(key, "a name in --set")
    canonical(nested, f"--set {key}")
    _check_leads_into_maps(parts, below)
    for part in reversed(parts):
        nested = {part: nested}
    result: dict[str, Any] = nested
    return result


def _check_leads_into_maps(parts: Sequence[str], below: Mapping[str, Any]) -> None:
    at: Any = below
    for depth, part in enumerate(parts[:-1], 1):
        at = at.get(part)
        if at is None:
            return
        if not isinstance(at, dict):
            name = ".".join(parts[:depth])
            raise UsageError(
                f"--set {'.'.join(parts)}: {name} is set to something that is no map",
                hint=f"Set it as a whole: --set {name}=…",
            )


def _parse_scalar(text: str) -> Json:
    """Whole numbers, true, false and null; all else is text, also 1.10 and 007 (as Helm has it)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text[:20])  # more digits are too many for a number in any case
    return text
