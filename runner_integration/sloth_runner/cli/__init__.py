"""The command line: `sloth-runner`."""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """Run the command line as the process's arguments say, and return the exit code."""
    # Imports make many objects and no garbage, and so does reading what is recorded of ten thousand
    # resources. By default they are searched for it again and again, and once more at the end,
    # which is a sixth of the time that a short command takes. So much garbage is some 20 MB.
    gc.set_threshold(200_000)
    try:
        from sloth_runner.cli.root import root
        from sloth_state.cli import run_cli
    except KeyboardInterrupt:
        return _interrupted_at_the_start()
    code = run_cli(root)
    plugins = sys.modules.get("sloth_runner.plugins")
    if plugins is None or not plugins.others_are_installed():
        # Nothing is left to do: the store is closed, the output written, and no code of somebody
        # else waits for the end. Taking the interpreter down in order would cost a short command a
        # tenth of its time.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    gc.freeze()
    return code


def _interrupted_at_the_start() -> int:
    from sloth_state.cli.main import report
    from sloth_state.errors import Interrupted

    return report(Interrupted("Ctrl-C"), sys.argv[1:])
