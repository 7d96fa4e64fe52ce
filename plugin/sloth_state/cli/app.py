"""What every command shares: its store, its output, its words and its questions.

Data goes to stdout, words about it to stderr. A command hands rows or an object to `emit` or
`emit_object` and does not know which form the user asked for.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypeVar

import click

from sloth_state.cli.failures import Declined, uses_colour, write_output, write_words
from sloth_state.cli.tables import table
from sloth_state.errors import StoreError, UsageError, interrupted
from sloth_state.model import RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sloth_state.cli.tables import Column
    from sloth_state.model import Json
    from sloth_state.store import Store

Row = TypeVar("Row")

LOOK_FOR_SIGNALS_EVERY = 0.1
"""Seconds, while a question waits for its answer."""


class App:
    """One run of one command."""

    def __init__(self, *, state: str | None = None, json: bool = False, no_color: bool = False):
        self.state = state
        """The store's URL; None for SLOTH_RUNNER_STATE or else the default."""
        self.json = json
        """Whether data is printed as JSON."""
        self.no_color = no_color
        self._store: Store | None = None

    # -- the store -------------------------------------------------------------------------

    def store(
        self,
        *,
        create: bool = False,
        upgrade: bool = True,
        heal: bool = True,
        make_default: bool = True,
    ) -> Store:
        """The store, opened once and closed by `close`.

        Marks runs of dead processes as failed, and says so, unless `heal` is false. The default
        store is made if it does not exist yet, so that on a new machine there simply is nothing;
        one that was named, and without `make_default` that one too, is made only with `create`,
        else StoreMissing is raised. Without `upgrade` a store of an older schema stays as it is,
        and can only be read.
        """
        from sloth_state.open import open_store

        if self._store is None:
            self._store = open_store(
                self.state,
                create=create or (make_default and not self._is_named()),
                upgrade=upgrade,
            )
            if self._store.read_only:
                self.say(f"Note: {self._store.read_only}; reading only")
            elif heal:
                self._mark_interrupted_runs(self._store)
        return self._store

    def _is_named(self) -> bool:
        return bool(self.state or os.environ.get("SLOTH_RUNNER_STATE"))

    @property
    def actor(self) -> str:
        """Who runs this command: user@host."""
        from sloth_state.processes import current_holder

        holder = current_holder()
        return f"{holder.user}@{holder.host}"

    def audit(self, action: str, workflow: str, detail: str) -> None:
        """Write into the audit trail what the user does now.

        Raises what the store raises, so a deed that cannot be written down is not done.
        """
        self.store().audit(self.actor, action, workflow, detail)

    def _mark_interrupted_runs(self, store: Store) -> None:
        if not store.count_runs(status=RunStatus.RUNNING):
            return  # as nearly always, and then the imports are not paid either
        from sloth_state.healing import mark_interrupted_runs
        from sloth_state.processes import is_dead

        try:
            marked = mark_interrupted_runs(store, is_dead)
        except StoreError as error:  # reading goes on even where nothing can be written
            self.say(f"Note: interrupted runs were not marked: {error.message}")
            return
        for run in marked:
            reason = (run.error_msg or "").removeprefix("interrupted: ")
            self.say(
                f"Note: run {run.id} of {run.name} was interrupted ({reason}); marked as failed"
            )

    def close(self) -> None:
        """Close the store if it was opened."""
        if self._store is not None:
            self._store.close()
            self._store = None

    # -- data ------------------------------------------------------------------------------

    def emit(
        self,
        rows: Sequence[Row],
        columns: Sequence[Column[Row]],
        shape: Callable[[Row], Json],
        *,
        footer: str = "",
    ) -> None:
        """Print rows: a table and its footer, or a JSON array of each row's shape.

        No rows is an empty array, or the footer alone.
        """
        if self.json:
            self._write_json([shape(row) for row in rows])
        else:
            lines = self.table(rows, columns) if rows else []
            separator = [""] if lines and footer else []
            self.write_lines([*lines, *separator, *([footer] if footer else [])])

    def emit_object(self, value: Json, text: Callable[[], Iterable[str]]) -> None:
        """Print one thing: its JSON, or the lines that `text` makes of it."""
        if self.json:
            self._write_json(value)
        else:
            self.write_lines(text())

    def table(
        self, rows: Sequence[Row], columns: Sequence[Column[Row]], *, indent: str = ""
    ) -> list[str]:
        """The lines of a table, in colour and fitted to the terminal if stdout is one."""
        return table(rows, columns, colour=self.colour, room=self._room(), indent=indent)

    def strong(self, heading: str) -> str:
        """A heading, in bold where stdout has colours."""
        return click.style(heading, bold=True) if self.colour else heading

    def word(self, text: str, colours: Mapping[str, str]) -> str:
        """A word in the colour it has among these, where stdout has colours."""
        return click.style(text, fg=colours.get(text)) if self.colour else text

    @property
    def colour(self) -> bool:
        """Whether stdout gets colours."""
        return uses_colour(sys.stdout, refused=self.no_color)

    def write(self, text: str) -> None:
        """Write to stdout at once. Raises OutputFailed for a full disk, say."""
        write_output(text)

    def write_lines(self, lines: Iterable[str]) -> None:
        """Write lines to stdout."""
        self.write("".join(f"{line}\n" for line in lines))

    def _write_json(self, value: Json) -> None:
        import json

        self.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")

    def _room(self) -> int | None:
        if not sys.stdout.isatty():
            return None
        return os.get_terminal_size(sys.stdout.fileno()).columns or None

    # -- words -----------------------------------------------------------------------------

    def say(self, words: str) -> None:
        """Words about the work, on stderr; a note in yellow at a terminal."""
        colour = uses_colour(sys.stderr, refused=self.no_color)
        note, separator, rest = words.partition(": ")
        if colour and separator and note == "Note":
            words = click.style(f"{note}{separator}", fg="yellow") + rest
        write_words(f"{words if colour else click.unstyle(words)}\n")

    def confirm(self, question: str, *, about: str, doing: str, option: str = "--force") -> None:
        """Say what it is `about`, ask on the terminal, and go on only after "y" or "yes".

        Raises UsageError where nobody can answer: `doing` begins its sentence, and `option` is
        what answers beforehand. Any other answer, and none, raises Declined.
        """
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(
                f"{doing} needs a confirmation, and there is no terminal to ask at",
                hint=f"Add {option} to do it without being asked.",
            )
        self.say(about)
        sys.stderr.write(f"{question} [y/N] ")
        sys.stderr.flush()
        if _answer().lower() not in ("y", "yes"):
            raise Declined


def _answer() -> str:
    """The line that the user types; what comes next begins on a line of its own in any case."""
    from select import select

    line = ""
    try:
        # A signal that comes just before a read does not end it, and would wait for the answer too.
        while not select([sys.stdin], [], [], LOOK_FOR_SIGNALS_EVERY)[0]:
            pass
        line = sys.stdin.readline()
    except KeyboardInterrupt as cause:
        raise interrupted(cause) from None
    finally:
        if not line:
            sys.stderr.write("\n")
    return line.strip()
