"""The command line of the state plugin, and what other commands of the product share with it."""

from sloth_state.cli.app import App
from sloth_state.cli.failures import Declined, OutputFailed, render_error
from sloth_state.cli.lazy import LazyCommand, LazyGroup
from sloth_state.cli.main import run_cli
from sloth_state.cli.options import shared_options
from sloth_state.cli.tables import Column

__all__ = [
    "App",
    "Column",
    "Declined",
    "LazyCommand",
    "LazyGroup",
    "OutputFailed",
    "render_error",
    "run_cli",
    "shared_options",
]
