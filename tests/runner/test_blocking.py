"""Work on threads is over when whoever asked for it goes on."""

from __future__ import annotations

import asyncio
import time

import pytest

from sloth_runner.blocking import on_thread


def test_a_cancellation_waits_for_the_function_that_runs() -> None:
    done: list[str] = []

    def work() -> None:
        time.sleep(0.2)
        done.append("written")

    async def cancelled_in_the_middle() -> None:
        async with asyncio.timeout(0.05):
            await on_thread(work)

    with pytest.raises(TimeoutError):
        asyncio.run(cancelled_in_the_middle())
    assert done == ["written"]


def test_what_it_raises_reaches_the_caller() -> None:
    async def main() -> int:
        assert await on_thread(max, 1, 2) == 2
        return await on_thread(int, "x")

    with pytest.raises(ValueError, match="invalid literal"):
        asyncio.run(main())
