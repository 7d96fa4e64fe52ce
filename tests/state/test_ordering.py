"""In which order resources are made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sloth_state.model import Action, Resource
from sloth_state.ordering import dependencies, in_dependency_order

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def made(name: str, *depends_on: str, after: int = 0) -> Resource:
    at = NOON + timedelta(seconds=after)
    needs = {"depends_on": [f"t/{each}" for each in depends_on]}
    return Resource(name, "t", name, Action.CREATE, "", {}, at, at, needs)


def order(*resources: Resource) -> str:
    return "".join(each.name for each in in_dependency_order(resources))


def test_the_oldest_comes_first_and_then_the_name_decides() -> None:
    assert order() == ""
    assert order(made("b"), made("a"), made("c", after=-1)) == "cab"


def test_each_comes_after_those_it_depends_on_however_old() -> None:
    assert order(made("a", "b"), made("b", "c", after=1), made("c", after=2)) == "cba"
    assert order(made("a", "z"), made("b"), made("z", after=9)) == "bza"


def at(path: str, name: str, after: int = 0) -> Resource:
    return made(name, after=after)._replace(declaration={"key": path})


def test_what_is_at_a_path_comes_after_what_it_is_in() -> None:
    assert order(at("/a/b/c", "a"), at("/a/b", "b", 1), at("/a", "c", 2)) == "cba"
    assert order(at("/a/b/c", "a"), at("/a", "b", 1), at("/a", "c", 2)) == "bca"
    assert order(at("/ab", "a"), at("/a", "b", 1), at("a/b", "c", 2), at("a", "d", 3)) == "abcd"
    assert order(at("/a/b\0line", "a"), at("/a", "b", 1)) == "ab"


def test_what_is_not_among_them_and_itself_do_not_count() -> None:
    assert order(made("a", "a", "x"), made("b")) == "ab"


def test_a_circle_is_cut_where_it_is_oldest() -> None:
    circle = made("a", "c"), made("b", "a", after=1), made("c", "b", after=2)
    assert order(*circle) == "abc"
    assert order(*circle, made("d", "b", after=-1), made("e", after=-2)) == "edabc"


def test_records_and_odd_declarations_have_no_dependencies() -> None:
    for declaration in (None, {}, {"depends_on": None}, {"depends_on": "t/a"}):
        assert dependencies(made("a")._replace(declaration=declaration)) == []


NAMES = "abcdef"


@given(
    st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES))),
    st.permutations(range(6)),
)
def test_all_come_once_and_dependencies_hold_where_there_is_no_circle(
    needs: dict[str, set[str]], ages: list[int]
) -> None:
    later = {  # only what is alphabetically before: no circle is possible
        name: {each for each in wanted if each < name} for name, wanted in needs.items()
    }
    resources = [made(name, *later[name], after=ages[NAMES.index(name)]) for name in later]
    found = order(*resources)
    assert sorted(found) == sorted(later)
    assert all(
        found.index(each) < found.index(name)
        for name, wanted in later.items()
        for each in wanted
        if each in later
    )
    circular = [made(name, *wanted) for name, wanted in needs.items()]
    assert sorted(order(*circular)) == sorted(needs)
