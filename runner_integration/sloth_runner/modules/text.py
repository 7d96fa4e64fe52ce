"""The modules `log`, `json`, `values`, `crypto`, `strings`, `template`: text, no effects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import sloth_lua
from sloth_runner.errors import WorkflowError
from sloth_runner.host import wire
from sloth_runner.host.module import LuaModule
from sloth_state.errors import InvalidValue
from sloth_state.values import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from sloth_runner.session import Session


def log_module(session: Session) -> LuaModule:
    """`log` and `print`: lines in the run's output. Bytes that are no UTF-8 are shown as U+FFFD."""
    operations: dict[str, Callable[..., Any]] = {
        "log": lambda level, line: session.output(level, _printable(line)),
        "log.printable": _printable,
    }
    raw = {"log": frozenset({1}), "log.printable": frozenset({0})}
    return LuaModule("log", sloth_lua.source("log"), operations, raw=raw)


def _printable(text: bytes) -> str:
    return text.decode(errors="replace")


def values_module(session: Session) -> LuaModule:
    """`values`: what --values and --set gave."""
    return LuaModule("values", sloth_lua.source("values"), {"values": lambda: session.values or {}})


def json_module(_session: Session) -> LuaModule:
    """`json`: values as JSON text and back."""
    operations: dict[str, Callable[..., Any]] = {
        "json.encode": encode_json,
        "json.decode": decode_json,
    }
    return LuaModule("json", sloth_lua.source("json"), operations)


def encode_json(encoded: str, pretty: bool) -> str:
    """The same JSON with its keys sorted, on one line or indented."""
    value = json.loads(encoded)
    if pretty:
        return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def decode_json(text: str) -> Any:
    """The value of JSON text, or None and what is wrong with it."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_int=_integer)
        wire.check(value)
    except json.JSONDecodeError as error:
        return None, f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    except RecursionError:
        return None, f"it is nested deeper than {MAX_DEPTH} levels"
    except InvalidValue as error:
        return None, error.message
    return value


def _refuse_constant(name: str) -> None:
    raise InvalidValue(f"not JSON: {name} is no JSON number")


def _integer(digits: str) -> int:
    if len(digits) > len("-9007199254740992"):  # Python itself refuses more than 4300 digits
        raise InvalidValue(f"the integer {digits[:20]}… is beyond 2^53")
    return int(digits)


def crypto_module(_session: Session) -> LuaModule:
    """`crypto`: hashes, encodings, random values."""
    operations: dict[str, Callable[..., Any]] = {
        "crypto.hash": hash_hex,
        "crypto.hmac": hmac_hex,
        "crypto.base64_encode": base64_encode,
        "crypto.base64_decode": base64_decode,
        "crypto.hex_encode": bytes.hex,
        "crypto.hex_decode": hex_decode,
        "crypto.uuid": random_uuid,
        "crypto.random_string": random_string,
        "crypto.random_bytes": random_bytes,
    }
    raw = {
        "crypto.hash": frozenset({1}),
        "crypto.hmac": frozenset({0, 1}),
        "crypto.base64_encode": frozenset({0}),
        "crypto.hex_encode": frozenset({0}),
    }
    return LuaModule("crypto", sloth_lua.on_first_use("crypto"), operations, raw=raw)


def hash_hex(algorithm: str, data: bytes) -> str:
    """Hex digest of bytes by one of hashlib's algorithms."""
    import hashlib

    return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()


def hmac_hex(key: bytes, data: bytes, algorithm: str) -> str:
    """Hex digest of keyed bytes. Raises InvalidValue for an unknown algorithm."""
    import hashlib
    import hmac

    if algorithm not in ("md5", "sha1", "sha256", "sha512"):
        raise InvalidValue(
            f"crypto.hmac: there is no algorithm {algorithm!r}", hint="md5, sha1, sha256, sha512"
        )
    return hmac.new(key, data, getattr(hashlib, algorithm)).hexdigest()


def base64_encode(data: bytes) -> bytes:
    """Standard base64 of bytes, on one line."""
    import base64

    return base64.b64encode(data)


def base64_decode(text: str) -> bytes | tuple[None, str]:
    """The bytes of standard base64, with or without line breaks; or None and what is wrong."""
    import base64

    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except ValueError as error:
        return None, f"not base64: {error}"


def hex_decode(text: str) -> bytes | tuple[None, str]:
    """The bytes of hex digits, or None and what is wrong with them."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None, "not hex: it must be digits and a to f, two for each byte"


def random_uuid() -> str:
    """A random UUID, version 4."""
    import uuid

    return str(uuid.uuid4())


def random_string(call: str, length: float, characters: str | None = None) -> str:
    """Characters from the system's secure source. Raises InvalidValue for a bad length."""
    import secrets
    import string

    characters = characters or string.ascii_letters + string.digits
    return "".join(secrets.choice(characters) for _ in range(_random_length(call, length)))


def random_bytes(length: float) -> bytes:
    """Base64 of bytes from the system's secure source. Raises InvalidValue for a bad length."""
    import secrets

    return base64_encode(secrets.token_bytes(_random_length("crypto.random_bytes", length)))


def _random_length(call: str, length: float) -> int:
    if not 1 <= length <= 2**20 or length != int(length):
        raise InvalidValue(f"{call}: length must be a whole number, 1 to 1048576")
    return int(length)


def strings_module(_session: Session) -> LuaModule:
    """`strings`: what needs to know letters beyond ASCII; all else in Lua."""
    operations: dict[str, Callable[..., Any]] = {
        "strings.upper": str.upper,
        "strings.lower": str.lower,
        "strings.title": title,
        "strings.is_alpha": str.isalpha,
        "strings.is_alphanumeric": str.isalnum,
        "strings.truncate": truncate,
    }
    return LuaModule("strings", sloth_lua.on_first_use("strings"), operations)


def title(text: str) -> str:
    """A text whose words, which white space separates, begin with a capital letter."""
    import re

    return re.sub(r"(?:^|(?<=\s))\S", lambda found: found[0].upper(), text)


def truncate(text: str, length: float, suffix: str) -> str:
    """At most so many characters: the text, or its beginning and a suffix."""
    if len(text) <= length:
        return text
    limit = int(length)
    return text[: max(0, limit - len(suffix))] + suffix[:limit]


def template_module(session: Session) -> LuaModule:
    """`template`, as the provider of that name renders."""

    def render(path: str | None, text: str | None, variables: str) -> str | tuple[None, str]:
        """The text, or None and what is wrong with the template."""
        from sloth_runner.providers import templates

        try:
            return templates.render(session, path, text, variables)
        except WorkflowError as error:
            return None, error.message

    return LuaModule("template", sloth_lua.on_first_use("template"), {"template.text": render})
