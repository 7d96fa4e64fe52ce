"""What the tests of killed processes share."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for what several of these tests use
pytest.register_assert_rewrite("killed_runs", "left_by_kills")


@pytest.fixture
def memory_path() -> Iterator[Path]:
    """A folder in memory, where there is one: what a killed process has written is there anyway,
    so waiting for a disk would prove nothing more."""
    memory = "/dev/shm"
    place = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="sloth-crash-", dir=place) as folder:
        yield Path(folder)
