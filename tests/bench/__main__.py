"""All measurements, as a table; exit code 1 if a limit is missed."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import recording  # noqa: E402
import starting  # noqa: E402
import versions  # noqa: E402
from measure import table  # noqa: E402

GROUPS = {"recording": recording, "versions": versions, "starting": starting}

chosen = sys.argv[1:] or list(GROUPS)
with tempfile.TemporaryDirectory(prefix="sloth-bench-") as folder:
    found = [figure for name in chosen for figure in GROUPS[name].figures(Path(folder))]
print(table(found))
sys.exit(0 if all(figure.met for figure in found) else 1)
