"""The command line with a lease of one second: `python short_lease.py BUG ARGUMENTS…`.

A bug that is "-" is none.
"""

from __future__ import annotations

import sys
from datetime import timedelta

from lock_bugs import BUGS

from sloth_runner.cli import main
from sloth_runner.execution import Execution

SECONDS = 1.0

if __name__ == "__main__":
    bug = sys.argv.pop(1)
    if bug != "-":
        BUGS[bug]()
    assert Execution.__init__.__kwdefaults__ is not None
    Execution.__init__.__kwdefaults__["lease"] = timedelta(seconds=SECONDS)
    sys.exit(main())
