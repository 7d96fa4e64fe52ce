"""The command line: `sloth-runner`."""

from __future__ import annotations

import gc


def main() -> int:
    """Run the command line as the process's arguments say, and return the exit code."""
    # Imports make many objects and no garbage. By default they are searched for it again and
    # again, and once more at the end, which is a sixth of the time that a short command takes.
    gc.set_threshold(10_000)
    from sloth_runner.cli.root import root
    from sloth_state.cli import run_cli

    code = run_cli(root)
    gc.freeze()
    return code
