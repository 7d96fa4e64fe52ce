"""What happens to stores: few names and values, so that they often meet."""

from __future__ import annotations

from hypothesis import strategies as st

from sloth_state.model import Action, Json, ResourceDraft

SIDES = st.sampled_from(("a", "a", "b"))
"""Ids begin with it, so that it is a hex digit."""
WORKFLOWS = st.sampled_from(("app", "db"))
ANY_WORKFLOW = st.sampled_from(("app", "db", "copy"))
NAMES = st.sampled_from(("x", "y", "z"))
IDENTITIES = st.tuples(st.sampled_from(("file", "site")), NAMES)
VALUES: st.SearchStrategy[Json] = st.sampled_from((1, "ü\n", [1, None], {"k": {"v": [2.5]}}))
DEPENDENCIES = st.lists(st.sampled_from(("file/x", "site/y")), unique=True).map(sorted)
ACTIONS = st.sampled_from(
    (None, None, None, Action.CREATE, Action.UPDATE, Action.READ, Action.DELETE)
)
SOURCES = st.sampled_from((None, b"-- one", b"-- two"))
ERRORS = st.sampled_from((None, None, "no room"))
KEYS = st.sampled_from(("k", "l"))


@st.composite
def drafts(draw: st.DrawFn) -> ResourceDraft:
    type, name = draw(IDENTITIES)
    declaration = {"depends_on": draw(DEPENDENCIES)} if type == "site" else None
    status = draw(st.sampled_from(("", "up")))
    return ResourceDraft(type, name, {"v": draw(VALUES)}, status, draw(ACTIONS), declaration)


SAID = st.lists(drafts(), min_size=1, max_size=4)
