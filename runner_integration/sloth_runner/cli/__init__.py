"""The command line: `sloth-runner`."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` is the same with enums: 0.5 ms
import gc
import os
import sys

_SIGNALS = {_signal.SIGTERM: "SIGTERM", _signal.SIGHUP: "SIGHUP"}


def main() -> int:
    """Run the command line as the process's arguments say, and return the exit code."""
    # Imports make many objects and no garbage, and so does reading what is recorded of ten thousand
    # resources. By default they are searched for it again and again, and once more at the end,
    # which is a sixth of the time that a short command takes. So much garbage is some 20 MB.
    gc.set_threshold(200_000)
    for number in _SIGNALS:
        if _signal.getsignal(number) == _signal.SIG_DFL:  # nohup ignores SIGHUP
            _signal.signal(number, _end)
    try:
        from sloth_runner.cli.root import root
        from sloth_state.cli import run_cli
    except KeyboardInterrupt as cause:
        return _interrupted_at_the_start(cause)
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


def _end(number: int, _frame: object) -> None:
    """Whoever ends services, or a terminal that closes, ends a command as Ctrl-C does."""
    raise KeyboardInterrupt(_SIGNALS[number])


def _interrupted_at_the_start(cause: KeyboardInterrupt) -> int:
    from sloth_state.cli.main import report
    from sloth_state.errors import interrupted

    return report(interrupted(cause), sys.argv[1:])
