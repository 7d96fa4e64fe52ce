"""`sloth-runner completion`."""

from __future__ import annotations

import click

from sloth_state.cli.failures import write_output
from sloth_state.cli.help import help_option
from sloth_state.cli.main import COMPLETION_VARIABLE, PROGRAM

BASH_WORDS = """
# An @ separates words for bash, but it is part of name@N.
COMP_WORDBREAKS=${COMP_WORDBREAKS//@}
"""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@help_option
@click.pass_context
def command(context: click.Context, /, shell: str) -> None:
    """Print the script that makes a shell complete what is typed.

    Commands, options, and the names of workflows, versions, tags and so on in the store.
    Put this into the shell's start-up file:

    \b
      bash, zsh:  eval "$(sloth-runner completion bash)"
      fish:       sloth-runner completion fish | source
    """
    from click.shell_completion import get_completion_class

    complete = get_completion_class(shell)
    assert complete is not None
    script = complete(context.find_root().command, {}, PROGRAM, COMPLETION_VARIABLE).source()
    write_output(script + (BASH_WORDS if shell == "bash" else "") + "\n")
