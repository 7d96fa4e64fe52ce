"""`resource.template`: a file that Jinja2 rendered."""

from __future__ import annotations

from typing import Any

CREATED = "1 created, 0 updated, 0 deleted, 0 unchanged"
UPDATED = "0 created, 1 updated, 0 deleted, 0 unchanged"
UNCHANGED = "0 created, 0 updated, 0 deleted, 1 unchanged"

SITE = """\
{% include "head.j2" %}
server {{ host }}:{{ values.port }}
{% for name in names -%}
- {{ name }}
{% endfor %}
"""


def test_a_template_has_vars_and_values(workflow: Any) -> None:
    (workflow.folder / "site.j2").write_text(SITE)
    (workflow.folder / "head.j2").write_text("# {{ host }}")
    workflow.declares(
        'template{ name = "t", path = "out", source = "site.j2", mode = 640, '
        'vars = { host = "<web>", names = { "a", "b" } } }'
    )
    assert workflow.run("--set", "port=80") == CREATED
    path = workflow.folder / "out"
    assert path.read_text() == "# <web>\nserver <web>:80\n- a\n- b\n\n"
    assert path.stat().st_mode & 0o7777 == 0o640
    assert workflow.run("--set", "port=80") == UNCHANGED
    assert workflow.run("--set", "port=81") == UPDATED
    assert "server <web>:81" in path.read_text()
    path.write_text("changed")
    assert workflow.drift() == {"template/t": "drifted"}
    workflow.heals()
    assert "server <web>:81" in path.read_text()
    workflow.rolls_back(1)
    assert "server <web>:80" in path.read_text()


def test_it_puts_back_what_it_replaced(workflow: Any) -> None:
    path = workflow.folder / "out"
    path.write_text("before")
    workflow.declares('template{ name = "t", path = "out", content = "{{ 1 + 1 }}\\n" }')
    assert workflow.run() == UPDATED
    assert path.read_text() == "2\n"
    workflow.declares()
    workflow.run("--prune")
    assert path.read_text() == "before"


def test_what_makes_no_sense_is_said_at_its_line(workflow: Any) -> None:
    (workflow.folder / "t.j2").write_text("x\n{{ port }}\n")
    (workflow.folder / "outer.j2").write_text("{% include 't.j2' %}")
    expected = {
        'source = "t.j2"': "t.j2:2: 'port' is undefined",
        'source = "outer.j2"': "t.j2:2: 'port' is undefined",
        'content = "\\n{{ port }}"': "<template>:2: 'port' is undefined",
        'content = "{% if %}"': "<template>:1: Expected an expression",
        'content = "{{ 1 / 0 }}"': "<template>:1: ZeroDivisionError",
        'source = "none.j2"': "none.j2: there is no template 'none.j2'",
        "content = \"{{ ''.__class__.__mro__ }}\"": "access to attribute '__class__'",
        "vars = {}": "it must have either source or content",
        'content = "", vars = { 1 }': "vars must be a table of names to values, not a list",
    }
    said = workflow.refusals("template", *(f'path = "out", {fields}' for fields in expected))
    for message, each in zip(expected.values(), said, strict=True):
        assert message in each
    assert not (workflow.folder / "out").exists()
