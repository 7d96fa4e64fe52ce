"""The module `net`, against sockets and servers on this machine."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from sloth_runner.errors import TaskTimeout

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def port() -> Iterator[int]:
    """Of a socket that listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return int(listening.getsockname()[1])


def test_a_port_that_accepts_connections_is_told_from_one_that_does_not(
    script: Any, port: int, free_port: int
) -> None:
    source = f"""
        print(net.tcp("127.0.0.1", {port}), net.tcp("localhost", {port}, "2s"))
        print(net.tcp{{ host = "127.0.0.1", port = "{port}", timeout = 2 }})
        print(net.check_port == net.tcp, net.port_check == net.tcp, require("net") == net)
        print(net.tcp("127.0.0.1", {free_port}))
        print(net.tcp("localhost", {free_port}))
        print((select(2, net.tcp("none.invalid", 80)):gsub("resolved: .*", "resolved")))
    """
    assert script(source).lines == [
        "true true",
        "true",
        "true true true",
        f"false 127.0.0.1:{free_port}: the connection is refused",
        f"false localhost:{free_port}: the connection is refused",
        "none.invalid:80: its host name cannot be resolved",
    ]


def test_a_port_that_is_silent_ends_with_the_timeout(script: Any) -> None:
    """A full backlog leaves further connections unanswered."""
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        found = script.values(f"net.tcp('127.0.0.1', {port}, 0.2)")
        for each in waiting:
            each.close()
    assert found == [False, f"127.0.0.1:{port}: it did not answer within 0.2 s"]


@pytest.mark.parametrize(
    "options", ["{ interval = '20ms' }", "{ timeout = '5s', interval = '1h' }"]
)
def test_waiting_ends_when_the_port_is_opened(script: Any, free_port: int, options: str) -> None:
    opened: list[socket.socket] = []

    def open_it() -> None:
        time.sleep(0.2)
        opened.append(socket.create_server(("127.0.0.1", free_port)))

    thread = threading.Thread(target=open_it)
    thread.start()
    began = time.monotonic()
    found = script.values(f"net.wait_for_port('127.0.0.1', {free_port}, {options})")
    thread.join()
    opened[0].close()
    assert found == [True]
    assert time.monotonic() - began < 15


def test_waiting_ends_when_the_port_is_closed_or_in_vain(
    script: Any, port: int, free_port: int
) -> None:
    source = f"""
        print(net.wait_for_port("127.0.0.1", {free_port}, 0.1))
        print(net.wait_for_port{{ host = "127.0.0.1", port = {free_port}, state = "closed" }})
        print(net.wait_for_port("127.0.0.1", {port}, {{ state = "closed", timeout = 0.1, interval = 0.05 }}))
    """
    assert script(source).lines == [
        f"false 127.0.0.1:{free_port} was not open within 0.1 s: the connection is refused",
        "true",
        f"false 127.0.0.1:{port} was not closed within 0.1 s: it still accepts connections",
    ]


def test_the_end_of_the_tasks_time_ends_waiting_at_once(script: Any, free_port: int) -> None:
    loaded = script(
        f"task('t'):command(function() net.wait_for_port('127.0.0.1', {free_port}, '1h') end)"
    )
    began = time.monotonic()
    with pytest.raises(TaskTimeout):
        loaded.call(timeout=0.1)
    assert time.monotonic() - began < 2


def test_a_name_has_addresses(script: Any) -> None:
    assert "127.0.0.1" in script.value("net.dns('localhost')")
    assert script.value("net.dns('127.0.0.1')") == ["127.0.0.1"]
    assert script.value("net.dns_lookup('localhost', 'A')") == ["127.0.0.1"]
    assert script.value("net.dns('::1', 'AAAA')") == ["::1"]
    nothing, problem = script.values("net.dns('none.invalid')")
    assert nothing is None
    assert problem.startswith("none.invalid: its host name cannot be resolved: ")
    assert script.values(f"net.dns('{'x' * 70}.invalid')")[0] is None


# -- the simple form of http -----------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/none" else 200)
        self.send_header("X-Kind", "plain")
        self.end_headers()
        self.wfile.write(b"content")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.end_headers()
        self.wfile.write(f"{self.headers['X-Sent']} {body.decode()}".encode())

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_simple_form_of_http_has_four_results(script: Any, url: str) -> None:
    source = f"""
        local body, status, headers, problem = net.http_get("{url}")
        print(body, status, headers["X-Kind"][1], headers["x-kind"][1], problem)
        print(net.http_post("{url}", "text", {{ ["X-Sent"] = "yes" }}))
        print((net.http_post("{url}", {{ body = "text", headers = {{ ["X-Sent"] = "yes" }} }})))
        print(net.http_get("http://127.0.0.1:1/"))
    """
    lines = script(source).lines
    assert lines[0] == "content 200 plain plain nil"
    assert lines[1].startswith("yes text 201 table: ")
    assert lines[2:] == ["yes text", "nil 0 nil http://127.0.0.1:1/: the connection is refused"]


def test_a_download_is_nil_or_what_went_wrong(script: Any, url: str) -> None:
    source = f"""
        print(net.download("{url}/file", "got/file"), fs.read("got/file"))
        print(net.download("{url}/none", "other"), fs.exists("other"))
    """
    assert script(source).lines == ["nil content", f"{url}/none: 404 Not Found false"]


# -- wrong arguments and plans ---------------------------------------------------------------------

WRONG = {
    "net.tcp(nil, 80)": "net.tcp: host must be a string, not nothing",
    "net.tcp('x')": "net.tcp: port must be a whole number, 1 to 65535, not nothing",
    "net.tcp('x', 0)": "net.tcp: port must be a whole number, 1 to 65535, not 0",
    "net.tcp('x', 80.5)": "net.tcp: port must be a whole number, 1 to 65535, not 80.5",
    "net.tcp('x', 'http')": "net.tcp: port must be a whole number, 1 to 65535, not http",
    "net.tcp('x', 80, 'soon')": "net.tcp: timeout: 'soon' is not a duration",
    "net.tcp{ host = 'x', port = 80, wait = 1 }": "net.tcp: it has no field 'wait'; there is host, port, timeout",
    "net.wait_for_port('x', 80, { state = 'up' })": "net.wait_for_port: state must be 'open' or 'closed', not 'up'",
    "net.wait_for_port('x', 80, { interval = 0 })": "net.wait_for_port: interval must be more than 0",
    "net.dns()": "net.dns: name must be a string, not nothing",
    "net.dns('x', 'MX')": "net.dns: kind must be 'A' or 'AAAA', not 'MX'; others are not asked for",
    "net.http_get()": "net.http_get: url must be a string, not nothing",
    "net.http_post('http://x', 'b', 5)": "net.http_post: headers must be a table of names to values, not 5",
    "net.download('file', 'x')": "net.download: url must begin with http:// or https:// and a host, not 'file'",
    "net.download('http://x')": "net.download: path must be a string, not nothing",
}  # fmt: skip


def test_a_wrong_argument_is_an_error_at_its_line(script: Any) -> None:
    calls = [f"print(select(2, pcall(function() {call} end)))" for call in WRONG]
    lines = script("\n".join(calls)).lines
    for number, (line, message) in enumerate(zip(lines, WRONG.values(), strict=True), 1):
        assert line.startswith(f"t.sloth:{number}: {message}")


def test_nobody_is_asked_when_the_file_is_only_looked_at(script: Any, free_port: int) -> None:
    source = f"""
        print(net.tcp("127.0.0.1", {free_port}), net.wait_for_port("127.0.0.1", {free_port}))
        print(#net.dns("none.invalid"), net.http_get("http://127.0.0.1:{free_port}"))
        print(net.download("http://127.0.0.1:{free_port}", "x"), fs.exists("x"))
    """
    lines = script(source, inspecting=True).lines
    assert lines[0] == "true true"
    assert lines[1].startswith("0  200 table: ")
    assert lines[2] == "nil false"
