"""The module `http`, against servers on this machine."""

from __future__ import annotations

import gzip
import json
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from sloth_runner.errors import TaskTimeout
from sloth_runner.modules import http

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message
    from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def answer(
        self, status: int, body: bytes = b"", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def handle_any(self) -> None:
        self.server.connections.add(self.client_address)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, self.headers, body))
        part = self.path.split("/")[1]
        answer = getattr(type(self), f"on_{part}", None)
        if answer is None:
            self.answer(200, b"hello")
        else:
            answer(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def on_json(self) -> None:
        kind = (("Content-Type", "application/json; charset=utf-8"),)
        self.answer(200, b'{"name": "x", "list": [1, null]}', kind)

    def on_badjson(self) -> None:
        self.answer(200, b"{", (("Content-Type", "application/json"),))

    def on_status(self) -> None:
        status = int(self.path.split("/")[2])
        self.answer(status, b"" if status == 204 else b"said")

    def on_redirect(self) -> None:
        self.answer(302, b"", (("Location", "/json"),))

    def on_misled(self) -> None:
        self.answer(302, b"", (("Location", "http://127.0.0.1:65536/"),))

    def on_around(self) -> None:
        self.answer(302, b"", (("Location", "/around"),))

    def on_bytes(self) -> None:
        self.answer(200, bytes(range(256)))

    def on_gzip(self) -> None:
        self.answer(200, gzip.compress(b"plain"), (("Content-Encoding", "gzip"),))

    def on_cookies(self) -> None:
        self.answer(200, b"", (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("x-request-id", "7")))

    def on_large(self) -> None:
        self.answer(200, b"x" * (http.LARGEST_BODY + 1))

    def on_slow(self) -> None:
        self.server.released.wait(20)
        self.answer(200, b"late")

    def on_recovers(self) -> None:
        self.answer(503 if len(self.server.requests) < 3 else 200, b"at last")

    def on_drops(self) -> None:
        if len(self.server.requests) < 2:
            self.close_connection = True
            self.connection.shutdown(2)
        else:
            self.answer(200, b"back")

    def log_message(self, *_arguments: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    requests: list[tuple[str, str, Message, bytes]]
    connections: set[Any]
    released: threading.Event

    def handle_error(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Any]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.requests, running.connections = [], set()
        running.released = threading.Event()
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def url(server: Any) -> str:
    return f"http://127.0.0.1:{server.server_port}"


SENT = {
    "http.get(URL)": ("GET", None, b""),
    "http.get{ url = URL }": ("GET", None, b""),
    "http.head(URL)": ("HEAD", None, b""),
    "http.delete(URL)": ("DELETE", None, b""),
    "http.post(URL)": ("POST", None, b""),
    "http.post(URL, 'text')": ("POST", "text/plain", b"text"),
    "http.post(URL, '')": ("POST", "text/plain", b""),
    "http.post(URL, 12)": ("POST", "application/json", b"12"),
    r"http.post(URL, '\255\0')": ("POST", "text/plain", b"\xff\0"),
    "http.post(URL, '{\"a\":1}')": ("POST", "application/json", b'{"a":1}'),
    "http.post(URL, { a = 1 }, {})": ("POST", "application/json", b'{"a":1}'),
    "http.post(URL, { json = { a = { 1, 2 } } })": ("POST", "application/json", b'{"a":[1,2]}'),
    "http.post(URL, { body = 'b' })": ("POST", "text/plain", b"b"),
    "http.post{ url = URL, body = { a = 1 } }": ("POST", "application/json", b'{"a":1}'),
    "http.post(URL, exec.run('printf out'))": ("POST", "text/plain", b"out"),
    "http.post(URL, 'x', { headers = { ['content-type'] = 'text/csv' } })": ("POST", "text/csv", b"x"),
    "http.post(URL, 'x', { ['Content-Type'] = 'text/csv' })": ("POST", "text/csv", b"x"),
    "http.put(URL, 'x')": ("PUT", "text/plain", b"x"),
    "http.patch(URL, 'x')": ("PATCH", "text/plain", b"x"),
    "http.request{ url = URL }": ("GET", None, b""),
    "http.request{ url = URL, method = 'options' }": ("OPTIONS", None, b""),
    "http.request{ url = URL, method = 'PUT', json = true }": ("PUT", "application/json", b"true"),
}  # fmt: skip


def test_a_call_sends_what_it_says(script: Any, server: Any, url: str) -> None:
    script("\n".join(f"assert({call})" for call in SENT).replace("URL", f"'{url}/x?q=1'"))
    assert {path for _, path, _, _ in server.requests} == {"/x?q=1"}
    sent = [
        (method, headers.get("Content-Type"), body) for method, _, headers, body in server.requests
    ]
    assert dict(zip(SENT, sent, strict=True)) == SENT


def test_an_answer_has_all_that_is_documented(script: Any, url: str) -> None:
    (found,) = script.values(f"http.get('{url}')")
    assert found["headers"].pop("Date")
    assert found["headers"].pop("Server")
    assert found == {
        "status_code": 200,
        "status": "200 OK",
        "success": True,
        "body": "hello",
        "headers": {"Content-Length": "5"},
    }


def test_headers_are_sent_as_they_are_given(script: Any, server: Any, url: str) -> None:
    script(
        f"http.get('{url}', {{ headers = {{ ['X-Text'] = 'ä', ['X-Number'] = 5, ['X-Yes'] = true }} }})"
    )
    script(f"http.get('{url}', {{ ['X-Alone'] = '1' }})")
    first, second = (headers for _, _, headers, _ in server.requests)
    assert [first[name] for name in ("X-Text", "X-Number", "X-Yes")] == ["Ã¤", "5", "true"]
    assert second["X-Alone"] == "1"


ANSWERED = {
    "/json": [200, True, {"name": "x", "list": [1, None]}],
    "/redirect": [200, True, {"name": "x", "list": [1, None]}],
    "/badjson": [200, True, None],
    "/x": [200, True, None],
    "/status/204": [204, True, None],
    "/status/404": [404, False, None],
    "/status/500": [500, False, None],
}


def test_any_status_is_an_answer(script: Any, url: str) -> None:
    paths = "', '".join(ANSWERED)
    source = f"""
        for _, path in ipairs({{ '{paths}' }}) do
          local r = assert(http.get('{url}' .. path))
          print(json.encode(json.list({{ r.status_code, r.success, r.json or json.null }})))
        end
    """
    found = [json.loads(line) for line in script(source).lines]
    assert dict(zip(ANSWERED, found, strict=True)) == ANSWERED


def test_headers_are_found_by_any_spelling(script: Any, url: str) -> None:
    source = f"""
        local h = http.get("{url}/cookies").headers
        print(h["X-Request-Id"], h["x-request-id"], h["X-REQUEST-ID"], h["X-None"], h[1])
        print(table.concat(h["set-cookie"], " "))
    """
    assert script(source).lines == ["7 7 7 nil nil", "a=1 b=2"]


def test_cookies_are_not_kept(script: Any, server: Any, url: str) -> None:
    script(f'assert(http.get("{url}/cookies")) assert(http.get("{url}/x"))')
    assert [headers["Cookie"] for _, _, headers, _ in server.requests] == [None, None]


def test_a_body_may_be_any_bytes_and_is_unpacked(script: Any, url: str) -> None:
    source = f"""
        local body, all = http.get("{url}/bytes").body, {{}}
        for i = 0, 255 do all[#all + 1] = string.char(i) end
        print(body == table.concat(all), http.get("{url}/gzip").body)
    """
    assert script(source).lines == ["true plain"]


def test_what_gets_no_answer_is_nil_and_a_message(
    script: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LARGEST_BODY", 2**20)
    source = f"""
        print(http.get("http://127.0.0.1:1/x"))
        print(http.get("http://none.invalid"))
        print(http.get("{url}/slow", {{ timeout = "100ms" }}))
        print(http.get("{url}/around"))
        print(http.get("{url}/misled"))
        print(http.get("http://127.0.0.1:65536"))
        print(http.get("{url}/large"))
        print(http.get("{url}", {{ headers = {{ X = "a\\nb" }} }}))
    """
    found = script(source).lines
    assert found[0] == "nil http://127.0.0.1:1/x: the connection is refused"
    assert found[1].startswith("nil http://none.invalid: its host name cannot be resolved: ")
    assert found[2:] == [
        f"nil {url}/slow: it did not answer within 0.1 s",
        f"nil {url}/around: Exceeded maximum allowed redirects.",
        f"nil {url}/misled: the port 65536 is more than 65535",
        "nil http://127.0.0.1:65536: the port 65536 is more than 65535",
        f"nil {url}/large: the answer is larger than 1 MiB; file_ops.fetch saves it to a file",
        f"nil {url}: Illegal header value b'a\\nb'",
    ]


def test_retries_go_on_until_there_is_an_answer(
    script: Any, server: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "FIRST_PAUSE", 0.05)
    began = time.monotonic()
    body = script.value(f"http.get('{url}/recovers', {{ retries = 3 }}).body")
    assert (body, len(server.requests)) == ("at last", 3)
    assert time.monotonic() - began >= 0.05 + 0.1, "each pause is twice the one before"
    server.requests.clear()
    assert script.value(f"http.post('{url}/drops', 'x', {{ retries = 1 }}).body") == "back"
    server.requests.clear()
    status = script.value(f"http.get('{url}/status/502', {{ retries = 1 }}).status_code")
    assert (status, len(server.requests)) == (502, 2)
    server.requests.clear()
    script(f"http.get('{url}/status/404', {{ retries = 5 }})")
    assert len(server.requests) == 1
    refused = script.values("http.get('http://127.0.0.1:1', { retries = 1 })")
    assert refused == [None, "http://127.0.0.1:1: the connection is refused"]


def test_a_run_keeps_its_connections_open(script: Any, server: Any, url: str) -> None:
    script(f"for _ = 1, 5 do assert(http.get('{url}')) end")
    assert len(server.requests) == 5
    assert len(server.connections) == 1


def test_other_goroutines_go_on_meanwhile(script: Any, server: Any, url: str) -> None:
    source = f"""
        local slow = goroutine.async(function() return http.get("{url}/slow").body end)
        print(http.get("{url}/x").body)
        fs.write("asked", "")
        local _, body = goroutine.await(slow)
        print(body)
    """
    asked = script.folder / "asked"

    def release() -> None:
        while not asked.exists():
            time.sleep(0.01)
        server.released.set()

    threading.Thread(target=release, daemon=True).start()
    assert script(source).lines == ["hello", "late"]


def test_the_end_of_the_tasks_time_ends_a_request_at_once(script: Any, url: str) -> None:
    loaded = script(f"task('t'):command(function() http.get('{url}/slow') end)")
    began = time.monotonic()
    with pytest.raises(TaskTimeout):
        loaded.call(timeout=0.1)
    assert time.monotonic() - began < 2


# -- certificates ----------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    path = tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", path),
        ],
        check=True,
        capture_output=True,
    )
    return path


def test_certificates_are_verified(
    script: Any, server: Any, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = f"https://127.0.0.1:{server.server_port}"
    refused = script.values(f"http.get('{url}')")
    assert refused == [None, f"{url}: its certificate is not trusted: self-signed certificate"]
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert script.value(f"http.get('{url}').body") == "hello"


def test_a_proxy_is_not_used_for_this_machine_itself(
    script: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert script.value(f"http.get('{url}').body") == "hello"
    other = script.values("http.get('http://192.0.2.1/', { timeout = 5 })")
    assert other == [None, "http://192.0.2.1/: the connection is refused"]


# -- wrong arguments and plans ---------------------------------------------------------------------

WRONG = {
    "http.get()": "http.get: url must be a string, not nothing",
    "http.get('example.org')": "http.get: url must begin with http:// or https:// and a host, not 'example.org'",
    "http.get('ftp://x/')": "http.get: url must begin with http:// or https:// and a host, not 'ftp://x/'",
    "http.get('http://x:y/')": "the request of http://x:y/ cannot be made: Invalid port: 'y'",
    "http.get{}": "http.get: url must be a string, not nothing",
    "http.get('http://x', 5)": 'http.get: options must be a table of names to values, not 5',
    "http.get('http://x', { timout = 5 })": "http.get: it has no field 'timout'; did you mean 'timeout'?",
    "http.get('http://x', { timeout = 'soon' })": "http.get: timeout: 'soon' is not a duration",
    "http.get('http://x', { timeout = 0 })": "http.get: timeout must be more than 0",
    "http.get('http://x', { retries = 1.5 })": "http.get: retries must be a whole number, 0 or more",
    "http.get('http://x', { retries = -1 })": "http.get: retries must be a whole number, 0 or more",
    "http.get('http://x', { headers = { X = {} } })": "http.get: headers.X must be a string, not a table",
    "http.post('http://x', true)": "http.post: body must be a string, not true",
    "http.post('http://x', { body = 'a', json = 1 })": "http.post: body and json are both given; one request sends one of them",
    "http.post('http://x', 'a', { body = 'b' })": "http.post: body is given twice",
    "http.post('http://x', { json = print })": "http.post: json is a function, which cannot be kept; only text, numbers, booleans, lists and maps can",
    "http.post('http://x', { a = 1 })": "http.post: it has no field 'a'; there is body, headers, json, retries, timeout, url",
    "http.get{ url = 'http://x', method = 'POST' }": "http.get: it has no field 'method'; there is body, headers, json, retries, timeout, url",
    "http.request('http://x')": 'http.request: its argument must be a table of names to values, not the string "http://x"',
    "http.request{ url = 'http://x', method = 'FETCH' }": "http.request: there is no method 'FETCH'; there is GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS",
}  # fmt: skip


def test_a_wrong_argument_is_an_error_at_its_line(script: Any) -> None:
    calls = [f"print(select(2, pcall(function() {call} end)))" for call in WRONG]
    lines = script("\n".join(calls)).lines
    for number, (line, message) in enumerate(zip(lines, WRONG.values(), strict=True), 1):
        assert line.startswith(f"t.sloth:{number}: {message}")


def test_nothing_is_sent_when_the_file_is_only_looked_at(
    script: Any, server: Any, url: str
) -> None:
    source = f"""
        local r = http.get("{url}/json")
        print(r.status_code, r.success, r.status, r.body, r.json.name, next(r.headers))
        for _, name in ipairs({{ "post", "put", "patch", "delete", "head" }}) do assert(http[name]("{url}")) end
        assert(http.request{{ url = "{url}", method = "OPTIONS" }})
    """
    assert script(source, inspecting=True).lines == ["200 true 200 OK  nil nil"]
    assert server.requests == []
