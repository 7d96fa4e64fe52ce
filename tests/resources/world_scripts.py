"""Random scripts: what a workflow declares in a small world, and the Lua that says so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hypothesis import strategies as st
from rollback_model import Model
from world_model import Declaration, Record, parent_of

FILES = ("a", "b", "d", "d/a", "d/b", "p/q/a")
FOLDERS = ("d", "e", "p/q")
LINKS = ("l", "a", "d/l")
THEIRS = ("d/theirs", "e/theirs")
"""Paths that the workflow never has."""
EVERYWHERE = tuple(dict.fromkeys((*FILES, *FOLDERS, *LINKS, *THEIRS)))
CONTENTS = st.sampled_from([b"", b"one", b"two\nlines\n", b"\x00\xff\x80\r\n", "café\n".encode()])
FILE_MODES = st.sampled_from([None, 0o600, 0o644, 0o4755])
FOLDER_MODES = st.sampled_from([None, 0o700, 0o755, 0o2750])
TARGETS = st.sampled_from([b"nowhere", b"../elsewhere"])


@st.composite
def declarations(draw: st.DrawFn, model: Model) -> list[Declaration]:
    """What a script may declare: things with names and places of their own, folders first.

    They depend on the folders that they are in, also on such as only an earlier script declared.
    """
    declared: list[Declaration] = []
    taken: set[str] = set()
    for type, names, paths, contents, modes in (
        ("directory", ("x", "y"), FOLDERS, st.just(b""), FOLDER_MODES),
        ("file", ("x", "y", "z"), FILES, CONTENTS, FILE_MODES),
        ("symlink", ("x",), LINKS, TARGETS, st.none()),
    ):
        free = [each for each in paths if each not in taken and _has_place(model, each, declared)]
        number = draw(st.integers(0, min(len(names), len(free))))
        chosen = draw(st.permutations(free))[:number]
        for name, path in zip(draw(st.permutations(names)), chosen, strict=False):
            folder = _folder_of(path, declared, model.records.values())
            declared.append(
                Declaration(type, name, path, draw(contents), draw(modes), depends_on=folder)
            )
        taken.update(chosen)
    return declared


def _has_place(model: Model, path: str, declared: Sequence[Declaration]) -> bool:
    folder = parent_of(path)
    here = any(each.path == folder and each.type == "directory" for each in declared)
    return path in FOLDERS or here or model.world.is_folder(folder)


def _folder_of(
    path: str, declared: Sequence[Declaration], recorded: Iterable[Record]
) -> str | None:
    """The resource that is the folder of a path, if there is one."""
    names = {each.name for each in declared if each.type == "directory"}
    for each in (*declared, *(record for record in recorded if record.name not in names)):
        if each.type == "directory" and each.path == parent_of(path):
            return f"directory/{each.name}"
    return None


def script(declared: Sequence[Declaration]) -> str:
    body = "".join(f"  {_lua(each)}\n" for each in declared)
    return (
        'local t = task("t"):command(function()\n'
        '  state.set_output("number", state.workflow().version)\n'
        f'{body}end)\nworkflow.define("w"):tasks({{ t }})\n'
    )


def _lua(said: Declaration) -> str:
    fields = {"name": said.name, "path": f"world/{said.path}"}
    if said.mode is not None:
        fields["mode"] = f"{said.mode:04o}"
    if said.depends_on is not None:
        fields["depends_on"] = said.depends_on
    if said.type != "directory":
        what = "content" if said.type == "file" else "target"
        fields[what] = "".join(f"\\{byte:03d}" for byte in said.content)
    listed = ", ".join(f'{key} = "{value}"' for key, value in fields.items())
    return f"resource.{said.type}{{ {listed} }}"
