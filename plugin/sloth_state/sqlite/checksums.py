"""Checksums of rows and hashes of versions.

SQLite's integrity check sees a broken tree of pages, not a changed byte inside a row. So a row
carries the CRC-32 of its own columns, which is enough against accidents and costs a microsecond.
A version carries a SHA-256 that also covers the version before it, which nobody forges by accident.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from sloth_state.values import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Formatting all columns at once takes half the time of joining them one by one.
_SEPARATED = ["\x1f".join(["%s"] * count) for count in range(20)]


def row_checksum(columns: Sequence[str | int | None]) -> int:
    """CRC-32 of the columns in the order given."""
    return crc32((_SEPARATED[len(columns)] % tuple(columns)).encode())


def closed_row_checksum(checksum: int, valid_to: int) -> int:
    """The checksum of a resource's row after a version closed its interval."""
    # As text, for in a damaged row this may be anything.
    return crc32(f"\x1f{valid_to}".encode(), checksum)


def content_hash(content: bytes) -> str:
    """SHA-256, hex."""
    # OpenSSL is behind hashlib and takes milliseconds to load, which looking at runs need not pay.
    from hashlib import sha256

    return sha256(content).hexdigest()


def is_content_of(hash: str, content: object) -> bool:
    """Whether a content that was read is what was written. In a damaged row it may be anything."""
    return isinstance(content, bytes) and content_hash(content) == hash


def version_hash(
    parent_hash: str | None,
    facts: dict[str, str | int | None],
    resource_checksums: Iterable[int],
    output_checksums: Iterable[int],
) -> str:
    """The hash of a version: of its parent's, its own facts, and the rows that it changed."""
    content = {
        "parent": parent_hash,
        "facts": facts,
        "resources": sorted(resource_checksums),
        "outputs": sorted(output_checksums),
    }
    return content_hash(to_json(content).encode())
