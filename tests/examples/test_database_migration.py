"""The database migration example as its README tells it, with a real SQLite database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

CUSTOMERS = [(1, "Ada"), (2, "Grace"), (3, "Edsger")]
FIRST, SECOND, THIRD = "001_customers", "002_orders", "003_email"


def test_steps_go_up_and_down_again_and_the_data_of_surviving_tables_is_kept(story: Any) -> None:
    shop = story("database-migration")

    shop.chapter("Deploy")
    assert _rows(shop, "SELECT id, name FROM customers") == CUSTOMERS[:2]
    assert _applied(shop) == [FIRST]

    shop.chapter("Two steps more")
    assert _rows(shop, "SELECT id, name FROM customers") == CUSTOMERS
    assert _rows(shop, "SELECT customer, item FROM orders") == [(1, "a loom"), (3, "paper")]
    assert _applied(shop) == [FIRST, SECOND, THIRD]

    shop.chapter("Drift")
    assert _columns(shop, "customers") == ["id", "name"]
    assert _applied(shop) == [FIRST, SECOND]

    shop.chapter("Heal")
    assert _columns(shop, "customers") == ["id", "name", "email"]
    assert _applied(shop) == [FIRST, SECOND, THIRD]

    shop.chapter("A bad step")
    assert _columns(shop, "mail_log") == []
    assert _applied(shop) == [FIRST, SECOND, THIRD]

    migrations = shop.folder / "migrations"
    migrations.rename(shop.folder / "elsewhere")  # the ways down are in the state
    shop.chapter("Roll back")
    (shop.folder / "elsewhere").rename(migrations)
    assert _rows(shop, "SELECT * FROM customers") == CUSTOMERS
    assert _columns(shop, "orders") == []
    assert _applied(shop) == [FIRST]

    shop.chapter("Forward again")
    assert _rows(shop, "SELECT id, name FROM customers") == CUSTOMERS
    assert _rows(shop, "SELECT * FROM orders") == []

    shop.chapter("Remove it")
    shop.assert_over()


def _rows(shop: Any, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(shop.folder / "shop.db")) as database:
        return database.execute(query).fetchall()


def _columns(shop: Any, table: str) -> list[str]:
    return [name for (name,) in _rows(shop, f"SELECT name FROM pragma_table_info('{table}')")]


def _applied(shop: Any) -> list[str]:
    query = "SELECT version FROM schema_migrations ORDER BY version"
    return [version for (version,) in _rows(shop, query)]
