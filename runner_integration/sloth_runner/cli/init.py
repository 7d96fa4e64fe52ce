"""`sloth-runner init`."""

from __future__ import annotations

import json
import os
import re
import shlex
from typing import TYPE_CHECKING

import click

import sloth_lua
from sloth_state.cli.options import force_option, shared_options
from sloth_state.errors import UsageError

if TYPE_CHECKING:
    from sloth_state.cli.app import App

EDITOR_SETTINGS = ".luarc.json"


@click.command("init", short_help="Write a first workflow file, and settings for editors.")
@click.argument("folder", required=False, default=".")
@force_option
@shared_options
def command(app: App, *, folder: str, force: bool) -> None:
    """Write a starter workflow, named after FOLDER, and a .luarc.json beside it.

    The latter tells editors with the Lua language server about all that workflow files can use.
    FOLDER is this one by default, and is made if it is not there. Files that exist are kept, and
    are an error, unless --force is given.
    """
    if (os.path.lexists(folder) and not os.path.isdir(folder)) or not folder:
        raise UsageError(f"{folder!r} is no folder", hint="Name a folder; it is made if need be.")
    name = _name_of(folder)
    files = {
        f"{name}.sloth": sloth_lua.starter().decode().replace("@NAME@", name),
        EDITOR_SETTINGS: json.dumps(_editor_settings(), indent=2) + "\n",
    }
    paths = {os.path.join(folder, file): text for file, text in files.items()}
    existing = [path for path in paths if os.path.lexists(path)]
    if existing and not force:
        raise UsageError(
            f"{existing[0]} is there already", hint="Name another folder, or write over it: --force"
        )
    _write(folder, paths)
    app.emit_object(
        {"files": [*paths]},
        lambda: [
            *(f"wrote {path}" for path in paths),
            f"Try: sloth-runner run {shlex.quote(next(iter(paths)))}",
        ],
    )


def _name_of(folder: str) -> str:
    """What a workflow in this folder is called: letters, digits and dashes."""
    name = os.path.basename(os.path.abspath(folder))
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "workflow"


def _editor_settings() -> dict[str, object]:
    return {
        "runtime.version": "LuaJIT",
        "workspace.library": [sloth_lua.definitions_folder()],
        "workspace.checkThirdParty": False,
    }


def _write(folder: str, paths: dict[str, str]) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
        for path, text in paths.items():
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        where = error.filename or folder
        raise UsageError(
            f"{where} cannot be written: {error.strerror}", hint="Name another folder."
        ) from None
