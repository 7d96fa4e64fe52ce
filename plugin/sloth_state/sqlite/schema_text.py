"""Whether the schema in a file is the one that was written.

SQLite keeps it as text and believes what it reads: a changed byte in there is another name of a
column, another check, or none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import apsw

from sloth_state.sqlite import files, schema

if TYPE_CHECKING:
    from sloth_state.sqlite.connection import Row

CHECKSUM = 0x2EFA8B44
"""CRC-32 of the text of the newest schema, in the order in which the migrations make it.

It spares those who open a store making that schema, which takes milliseconds.
"""

# As bytes, for what is damaged may be no text. ANALYZE adds tables of its own.
_SELECT = """
    SELECT rowid, CAST(type AS BLOB), CAST(name AS BLOB), CAST(tbl_name AS BLOB), CAST(sql AS BLOB)
    FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY rowid
"""


def check(database: apsw.Connection, path: str) -> None:
    """Raise StoreDamaged if a file of the newest schema lacks a table or index as that has it.

    More of them are no damage: whoever looks at a store with other tools may have added a view.
    """
    if checksum(database) == CHECKSUM:
        return
    found = {row[1:] for row in database.execute(_SELECT)}
    if any(row[1:] not in found for row in _newest()):
        raise files.damaged(path, "is damaged: its schema is not what was written")


def checksum(database: apsw.Connection) -> int:
    """CRC-32 of the text of a file's schema."""
    return crc32(repr([row[1:] for row in database.execute(_SELECT)]).encode())


def mend(path: str) -> bool:
    """Write the newest schema over that of a file which has it damaged; whether it had.

    Leaves a file alone that is of an older schema, has more or fewer tables and indexes, or cannot
    be written to.
    """
    database = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        database.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
        database.pragma("writable_schema", True)  # SQLite then reads what it cannot make sense of
        if schema.is_older(database):
            return False
        found, written = database.execute(_SELECT).fetchall(), _newest()
        if found == written or len(found) != len(written):
            return False
        with database:
            database.executemany(
                "UPDATE sqlite_schema SET type = CAST(?2 AS TEXT), name = CAST(?3 AS TEXT), "
                "tbl_name = CAST(?4 AS TEXT), sql = CAST(?5 AS TEXT) WHERE rowid = ?1",
                written,
            )
        return True
    except apsw.Error:
        return False
    finally:
        database.close()


def _newest() -> list[Row]:
    database = apsw.Connection(":memory:")
    schema.create(database)
    rows = database.execute(_SELECT).fetchall()
    database.close()
    return rows
