"""What `stow` does: a folder's files made to appear in another one, by relative symbolic links.

As GNU stow with --no-folding: folders are made, only files are linked. Links of folders that GNU
stow made of this package count as done. Nothing is changed as long as anything is in the way.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from sloth_runner.blocking import on_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sloth_runner.session import Session

_IGNORE_FILE = ".stow-local-ignore"
_IGNORED = (
    *(r"RCS", r".+,v", r"CVS", r"\.\#.+", r"\.cvsignore", r"\.svn", r"_darcs", r"\.hg", r"\.git"),
    *(r"\.gitignore", r"\.gitmodules", r".+~", r"\#.*\#"),
    *(r"^/README.*", r"^/LICENSE.*", r"^/COPYING"),
)
"""What GNU stow ignores where a package says nothing of its own."""


class Farm(NamedTuple):
    """A package and where it shall appear, both absolute."""

    package: str
    target: str


class State(NamedTuple):
    """What is there of a package; paths are relative to the target."""

    linked: list[str]
    missing: list[str]
    conflicts: list[str]
    """What is there and is no link into the package, with what it is."""

    def shape(self) -> dict[str, Any]:
        """For Lua."""
        return dict(self._asdict())


async def look(session: Session, folder: str, package: str, target: str) -> Any:
    """The state of a package, or None and what is wrong with it."""
    return await _result_of(_state, session.path(folder), package, session.path(target))


async def carry_out(session: Session, folder: str, package: str, target: str, steps: str) -> Any:
    """Take links away and make links, as `steps` (JSON: {"unlink": […], "link": […]}) say."""
    chosen = json.loads(steps)
    places = session.path(folder), package, session.path(target)
    return await _result_of(_change, *places, chosen["unlink"], chosen["link"])


async def packages(session: Session, folder: str) -> Any:
    """The names of the packages in a folder, sorted."""
    return await _result_of(_packages, session.path(folder))


async def _result_of(work: Any, *arguments: Any) -> Any:
    """What a function of this module gives for paths that are absolute."""
    try:
        return await on_thread(work, *arguments)
    except OSError as error:
        return None, f"{error.filename}: {error.strerror}"
    except re.error as error:
        return None, f"{_IGNORE_FILE} has a pattern that is no regular expression: {error}"
    except ValueError as error:  # a NUL byte in a path
        return None, str(error)


def _farm(folder: str, package: str, target: str) -> Farm:
    return Farm(os.path.realpath(os.path.join(folder, package)), os.path.realpath(target))


def _packages(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(each.name for each in entries if each.is_dir() and each.name[0] != ".")


def _state(folder: str, package: str, target: str) -> dict[str, Any]:
    farm = _farm(folder, package, target)
    state = State([], [], [])
    for path in _files(farm.package):
        place = os.path.join(farm.target, path)
        problem = _in_the_way(farm, path)
        if problem:
            state.conflicts.append(problem)
        elif not os.path.lexists(place):
            state.missing.append(path)
        elif _is_of_package(farm, path):
            state.linked.append(path)
        else:
            state.conflicts.append(f"{path} ({_kind(place)})")
    return state.shape()


def _files(package: str) -> Iterator[str]:
    """Files and links in a package that are not ignored, relative to it."""
    ignored = _ignored(package)
    for folder, folders, files in os.walk(package, onerror=_raise):
        inside = os.path.relpath(folder, package)
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        folders[:] = sorted(
            name
            for name in folders
            if name not in links and not ignored(os.path.normpath(os.path.join(inside, name)))
        )
        for name in sorted([*files, *links]):
            path = os.path.normpath(os.path.join(inside, name))
            if not ignored(path):
                yield path


def _raise(error: OSError) -> None:
    raise error


def _ignored(package: str) -> Any:
    """Whether a path is ignored: a pattern with a slash is for paths, any other for names."""
    try:
        with open(os.path.join(package, _IGNORE_FILE), encoding="utf-8") as file:
            lines = [re.sub(r"\s+#.*", "", line).strip() for line in file]
            patterns = [line for line in lines if line and not line.startswith("#")]
    except FileNotFoundError:
        patterns = list(_IGNORED)
    whole = [re.compile(rf"(?:{each})(?:/|\Z)") for each in patterns if "/" in each]
    names = [re.compile(rf"(?:{each})\Z") for each in patterns if "/" not in each]

    def is_ignored(path: str) -> bool:
        name = os.path.basename(path)
        if name == _IGNORE_FILE or any(each.match(name) for each in names):
            return True
        return any(each.search(f"/{path}") for each in whole)

    return is_ignored


def _in_the_way(farm: Farm, path: str) -> str | None:
    """A file, or a link that leads elsewhere, where a folder has to be."""
    parts = path.split("/")[:-1]
    for length in range(1, len(parts) + 1):
        folder = "/".join(parts[:length])
        place = os.path.join(farm.target, folder)
        if os.path.lexists(place) and not os.path.isdir(place):
            return f"{folder} ({_kind(place)}, where a folder has to be)"
    return None


def _is_of_package(farm: Farm, path: str) -> bool:
    """Whether what is at the target is the package's own, by a link of it or of a folder above."""
    source, place = os.path.join(farm.package, path), os.path.join(farm.target, path)
    if os.path.islink(place):
        aim = os.path.join(os.path.realpath(os.path.dirname(place)), os.readlink(place))
        folder, name = os.path.split(os.path.normpath(aim))
        return os.path.join(os.path.realpath(folder), name) == source
    return os.path.realpath(place) == os.path.realpath(source)


def _kind(place: str) -> str:
    if os.path.islink(place):
        return f"a link to {os.readlink(place)}"
    return "a folder" if os.path.isdir(place) else "a file"


def _change(
    folder: str, package: str, target: str, unlink: list[str], link: list[str]
) -> dict[str, Any]:
    farm = _farm(folder, package, target)
    for path in unlink:
        _unlink(farm, path)
    for path in link:
        place = os.path.join(farm.target, path)
        above = os.path.dirname(place)
        os.makedirs(above, exist_ok=True)
        os.symlink(
            os.path.relpath(os.path.join(farm.package, path), os.path.realpath(above)), place
        )
    return {}


def _unlink(farm: Farm, path: str) -> None:
    """Remove a link, or the link of a folder above it, and folders that are empty then."""
    for part in _with_parents(path):
        place = os.path.join(farm.target, part)
        if os.path.islink(place) and _is_of_package(farm, part):
            os.unlink(place)
            break
        if not os.path.lexists(place):
            return
    for folder in reversed(_with_parents(os.path.dirname(part))):
        place = os.path.join(farm.target, folder)
        if os.path.islink(place) or os.listdir(place):
            return
        os.rmdir(place)


def _with_parents(path: str) -> list[str]:
    """ "a/b/c": "a", "a/b", "a/b/c"."""
    parts = path.split("/") if path else []
    return ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
