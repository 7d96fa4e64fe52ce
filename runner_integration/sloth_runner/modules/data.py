"""The modules `data`, `yaml` and `toml`: values as text in several formats, and back."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time
from functools import cache
from typing import TYPE_CHECKING, Any

import sloth_lua
from sloth_runner.host import wire
from sloth_runner.host.module import LuaModule
from sloth_runner.values import MOST_VALUES
from sloth_state.errors import InvalidValue
from sloth_state.values import MAX_DEPTH

if TYPE_CHECKING:
    from sloth_runner.session import Session


def yaml_module(_session: Session) -> LuaModule:
    """`yaml`: values as YAML text and back."""
    operations = {"yaml.encode": encode_yaml, "yaml.decode": decode_yaml}
    return LuaModule("yaml", sloth_lua.on_first_use("yaml"), operations)


def toml_module(_session: Session) -> LuaModule:
    """`toml`: tables as TOML text and back."""
    operations = {"toml.encode": encode_toml, "toml.decode": decode_toml}
    return LuaModule("toml", sloth_lua.on_first_use("toml"), operations)


def data_module(_session: Session) -> LuaModule:
    """`data`: CSV text and back; all else in Lua, with the modules of the other formats."""
    operations = {"data.csv_encode": encode_csv, "data.csv_decode": decode_csv}
    return LuaModule("data", sloth_lua.on_first_use("data"), operations)


# -- YAML ------------------------------------------------------------------------------------------


def encode_yaml(encoded: str) -> str:
    """YAML text, in block style, of a JSON value."""
    import yaml

    # libyaml's dumper is faster, but escapes letters beyond the first 65,536.
    text: str = yaml.safe_dump(json.loads(encoded), allow_unicode=True, width=2**30)
    return text.removesuffix("...\n")  # after a plain value that is all


def decode_yaml(text: str) -> Any:
    """The value of YAML text, or None and what is wrong with it."""
    import yaml

    try:
        value = _Plain().of(yaml.load(text, Loader=_yaml_loader()))
        wire.check(value)
    except yaml.YAMLError as error:
        return None, f"not YAML: {_yaml_problem(error)}"
    except InvalidValue as error:
        return None, error.message
    except UnicodeError:
        return None, "not YAML: it is not UTF-8 text"
    except (ValueError, RecursionError) as error:  # such as a timestamp that is none
        return None, f"not YAML: {error}"
    return value


@cache
def _yaml_loader() -> Any:
    """PyYAML's safe loader, for which dates are text as it is written."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    Loader.yaml_implicit_resolvers = {
        letter: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for letter, resolvers in Loader.yaml_implicit_resolvers.items()
    }
    return Loader


def _yaml_problem(error: Exception) -> str:
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    if problem is None or mark is None:
        return str(error).replace("\n", " ")
    if "single document" in (error.context or ""):  # type: ignore[attr-defined]
        problem = "it has a second document, which begins"
    return f"{problem} at line {mark.line + 1}, column {mark.column + 1}"


class _Plain:
    """Makes JSON values of what loaders give. Raises InvalidValue for what has no form there."""

    def __init__(self) -> None:
        self._count = 0

    def of(self, value: object, depth: int = 0) -> Any:
        """The value, with dates and the keys of maps as text."""
        self._count += 1
        if self._count > MOST_VALUES:
            raise InvalidValue(f"it has more than {MOST_VALUES} values, repeated ones included")
        if depth > MAX_DEPTH:
            raise InvalidValue(f"it is nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            return {_key(key): self.of(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [self.of(item, depth + 1) for item in value]
        return _scalar(value)


def _key(key: object) -> str:
    if isinstance(key, str):
        return key
    return _scalar_text(_scalar(key))


def _scalar(value: object) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidValue(f"it has {value}, which is no JSON number")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise InvalidValue(f"it has a value of the type {type(value).__name__}, which JSON has not")


def _scalar_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


# -- TOML ------------------------------------------------------------------------------------------


def encode_toml(encoded: str) -> str:
    """TOML text of a JSON object. Raises InvalidValue for a null in it."""
    import tomli_w

    try:
        return tomli_w.dumps(json.loads(encoded))
    except TypeError:
        raise InvalidValue("toml.encode: value has a null in it, which TOML has not") from None


def decode_toml(text: str) -> Any:
    """The value of TOML text, or None and what is wrong with it."""
    import tomllib

    try:
        value = _Plain().of(tomllib.loads(text))
        wire.check(value)
    except tomllib.TOMLDecodeError as error:
        return None, f"not TOML: {error}"
    except RecursionError:
        return None, f"it is nested deeper than {MAX_DEPTH} levels"
    except InvalidValue as error:
        return None, error.message
    return value


# -- CSV -------------------------------------------------------------------------------------------


def decode_csv(text: str, encoded: str) -> Any:
    """The rows of CSV text, or None and what is wrong with it. Empty lines are no rows."""
    import csv
    import io

    options = json.loads(encoded)
    csv.field_size_limit(2**30)
    lines = io.StringIO(text.removeprefix("\ufeff"), newline="")
    reader = csv.reader(lines, delimiter=options.get("delimiter", ","), strict=True)
    try:
        rows = [row for row in reader if row]
        wire.check(rows)
    except csv.Error as error:
        return None, f"not CSV: {error} at line {reader.line_num}"
    except InvalidValue as error:
        return None, error.message
    return _named(rows) if options.get("header") else rows


def _named(rows: list[list[str]]) -> Any:
    names = rows[0] if rows else []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(names):
            return None, f"not CSV: row {number} has {len(row)} fields, the first {len(names)}"
    return [dict(zip(names, row, strict=True)) for row in rows[1:]]


def encode_csv(encoded: str, encoded_options: str) -> str:
    """CSV text of rows. Raises InvalidValue for a row that is none."""
    import csv
    import io

    options, text = json.loads(encoded_options), io.StringIO()
    writer = csv.writer(text, delimiter=options.get("delimiter", ","), lineterminator="\n")
    names = options.get("header")
    if names is not None:
        writer.writerow(_fields(names, "header"))
    for number, row in enumerate(_listed(json.loads(encoded), "rows"), start=1):
        fields = row if names is None else _in_order(row, names, f"row {number}")
        writer.writerow(_fields(fields, f"row {number}"))
    return text.getvalue()


def _listed(value: Any, what: str) -> list[Any]:
    if isinstance(value, list) or value == {}:
        return list(value)
    raise InvalidValue(f"data.csv_encode: {what} must be a list, not a map")


def _in_order(row: Any, names: list[str], what: str) -> list[Any]:
    if not isinstance(row, dict) or not row.keys() <= set(names):
        raise InvalidValue(f"data.csv_encode: {what} must have only the fields that header names")
    return [row.get(name) for name in names]


def _fields(values: Any, what: str) -> list[str]:
    fields = _listed(values, what)
    if any(isinstance(each, dict | list) for each in fields):
        raise InvalidValue(f"data.csv_encode: {what} has a table in it")
    return ["" if each is None else _scalar_text(each) for each in fields]
