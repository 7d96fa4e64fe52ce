"""The module `template`: text from Jinja2 templates, and what is wrong with one."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sloth_runner.errors import TaskTimeout

# An expression, and all its results. The folder has files of these templates.
FILES = {
    "hello.txt": "Hello {{ name }},\n{% for port in ports %}\n- {{ port }}\n{% endfor %}\n",
    "parts/outer.j2": "[{% include 'inner.j2' %}]",
    "parts/inner.j2": "{{ name }}",
    "bad.txt": "one\n{% if %}\n",
    "undefined.txt": "one\n{{ nothing }}\n",
}

RESULTS = {
    "template.render('Hello {{ name }}', { name = 'you' })": ["Hello you"],
    "template.render('plain\\n')": ["plain\n"],
    "template.render('')": [""],
    "template.render('{{ values.env }} {{ n + 1 }}', { n = 1 })": ["prod 2"],
    "template.render('{{ env }}', values)": ["prod"],
    "template.render('{{ list | join(\",\") }}{{ map.a.b }}', { list = { 1, 2 }, map = { a = { b = true } } })": ["1,2True"],
    "template.render('{{ x | default(\"none\") }}')": ["none"],
    "template.render('ä {{ x }}', { x = '<🦥>' })": ["ä <🦥>"],
    r"template.render('\255{{ 1 }}') == '\2551'": [True],
    "template.render('x', json.decode('[]'))": ["x"],
    "template.render(exec.run('printf \"{{ 1 + 1 }}\"'))": ["2"],
    "template.render_file('hello.txt', { name = 'you', ports = { 80, 443 } })": ["Hello you,\n\n- 80\n\n- 443\n\n"],
    "template.render_file('parts/outer.j2', { name = 'x' })": ["[x]"],
    "template.render_file('PWD/hello.txt', { name = 'a', ports = json.list() })": ["Hello a,\n\n"],
    # what is wrong
    "template.render('{{ nothing }}')": [None, "<template>:1: 'nothing' is undefined"],
    "template.render('one\\n{% if %}')": [None, "<template>:2: Expected an expression, got 'end of statement block'"],
    "template.render('{{ 1 / 0 }}')": [None, "<template>:1: ZeroDivisionError: division by zero"],
    "template.render('{{ \"\".__class__ }}')": [
        None,
        "<template>:1: access to attribute '__class__' of 'str' object is unsafe.",
    ],
    "template.render(\"{% include 'none' %}\")": [None, "<template>:1: there is no template 'none'"],
    "template.render_file('none.txt')": [None, "none.txt: there is no template 'none.txt'"],
    "template.render_file('bad.txt')": [None, "bad.txt:2: Expected an expression, got 'end of statement block'"],
    "template.render_file('undefined.txt')": [None, "undefined.txt:2: 'nothing' is undefined"],
}  # fmt: skip


@pytest.fixture
def files(script: Any) -> Any:
    for name, text in FILES.items():
        (script.folder / name).parent.mkdir(exist_ok=True)
        (script.folder / name).write_text(text)
    return script


@pytest.mark.parametrize(("call", "results"), RESULTS.items(), ids=range(len(RESULTS)))
def test_a_template_gives_its_text_or_what_is_wrong(
    files: Any, call: str, results: list[Any]
) -> None:
    assert files.values(call.replace("PWD", str(files.folder)), values={"env": "prod"}) == results


def test_a_file_is_rendered_while_a_file_is_only_looked_at_too(files: Any) -> None:
    source = "print(template.render_file('parts/inner.j2', { name = 'x' }))"
    assert files(source, inspecting=True).lines == ["x"]


REFUSED = {
    "template.render()": "template.render: text must be a string, not nothing",
    "template.render('x', 'y')": 'template.render: vars must be a table of names to values, not the string "y"',
    "template.render('x', { 1 })": "template.render: vars must be a table of names to values, not a list",
    "template.render('x', { f = print })": (
        "template.render: vars.f is a function, which cannot be kept; only text, numbers, booleans, lists and maps can"
    ),
    "template.render_file({})": "template.render_file: path must be a string, not a table",
}


@pytest.mark.parametrize(("call", "message"), REFUSED.items(), ids=REFUSED)
def test_a_wrong_argument_is_an_error_at_its_line(script: Any, call: str, message: str) -> None:
    assert str(script.error(f"\nlocal x = {call}")) == f"t.sloth:2: {message}"


LONG = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize(
    "call", ["template.render(LONG)", "file_ops.template({ content = LONG, dest = 'x' })"]
)
def test_a_timeout_ends_a_template_that_takes_very_long(script: Any, call: str) -> None:
    loaded = script(f"local LONG = '{LONG}' task('t'):command(function() {call} end)")
    started = time.monotonic()
    with pytest.raises(TaskTimeout):
        loaded.call(timeout=0.3)
    assert time.monotonic() - started < 10
