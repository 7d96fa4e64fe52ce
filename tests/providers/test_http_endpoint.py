"""`resource.http_endpoint` against a server on this machine."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


class Handler(BaseHTTPRequestHandler):
    """Answers GET of what was POSTed or PUT, and what the test said that a path answers."""

    server: Server

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length).decode()
        self.server.calls.append((self.command, self.path, body))
        self.server.headers.append(dict(self.headers))
        status, text = self.server.answer(self.command, self.path, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """A server with objects, and paths that answer something else."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls: list[tuple[str, str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.objects: dict[str, Any] = {}
        self.fixed: dict[str, list[tuple[int, str]]] = {}
        """What a path answers, one after the other; the last one for ever."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, method: str, path: str, body: str) -> tuple[int, str]:
        if path in self.fixed:
            answers = self.fixed[path]
            return answers.pop(0) if len(answers) > 1 else answers[0]
        if method in {"POST", "PUT"}:
            sent = json.loads(body)
            target = f"{path}/{sent['name']}" if method == "POST" else path
            self.objects[target] = {
                **sent,
                "id": 7,
                "spec": {**sent.get("spec", {}), "added": True},
            }
            return 201, "{}"
        if path not in self.objects:
            return 404, "none"
        if method == "DELETE":
            del self.objects[path]
            return 204, ""
        return 200, json.dumps(self.objects[path])

    def taken_calls(self) -> list[tuple[str, str, str]]:
        """Those since this was asked last, but for GET."""
        calls = [call for call in self.calls if call[0] != "GET"]
        self.calls.clear()
        return calls


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as server:
        yield server


def check(workflow: Any, url: str, fields: str = "") -> None:
    workflow.declares(
        f'http_endpoint{{ name = "web", url = "{url}", interval = "20ms", {fields} }}'
    )


def test_an_endpoint_that_answers_is_only_looked_at(workflow: Any, server: Server) -> None:
    server.fixed["/health"] = [(200, "all is well")]
    check(workflow, f"{server.url}/health", 'body_contains = "well"')
    assert workflow.run().startswith("0 created, 0 updated, 0 deleted, ")
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    assert workflow.drift() == {"http_endpoint/web": "in-sync"}
    assert server.calls == [("GET", "/health", "")] * 3
    attributes = workflow.attributes("web")
    assert (attributes["status"], attributes["body_contains"]) == (200, "well")


def test_a_run_waits_for_the_answer_as_often_as_it_may(workflow: Any, server: Server) -> None:
    server.fixed["/health"] = [*[(503, "starting")] * 3, (200, "starting"), (200, "ready")]
    check(workflow, f"{server.url}/health", 'retries = 5, body_contains = "ready"')
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert len(server.calls) == 6  # one that reads, four that wait, and one that reads again
    server.fixed["/health"] = [(503, "no")]
    assert workflow.drift() == {"http_endpoint/web": "drifted"}
    said = workflow.fails()
    assert f"GET {server.url}/health: it answered 503, not 200 (attempts: 6)" in said
    server.fixed["/health"] = [(200, "other")]
    assert "its body does not contain 'ready': 'other' (attempts: 6)" in workflow.fails()


def test_the_request_of_a_check_is_as_declared(workflow: Any, server: Server) -> None:
    server.fixed["/login"] = [(401, "")]
    fields = (
        'method = "post", status = 401, json = { user = "x" }, headers = { ["X-Token"] = "geheim" }'
    )
    check(workflow, f"{server.url}/login", fields)
    workflow.run()
    assert server.calls == [("POST", "/login", '{"user":"x"}')]
    assert server.headers[0]["X-Token"] == "geheim"
    shown = workflow.sloth("state", "workflow", "show", "w")
    assert "geheim" not in shown.stdout
    check(workflow, f"{server.url}/login", 'method = "PUT", status = 401, body = "plain"')
    workflow.run()
    assert server.calls[-1] == ("PUT", "/login", "plain")


def test_a_check_owns_nothing_so_deleting_it_asks_nobody(workflow: Any, server: Server) -> None:
    server.fixed["/"] = [(200, "")]
    check(workflow, f"{server.url}/")
    workflow.run()
    workflow.declares()
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert server.taken_calls() == []


OBJECT = (
    'http_endpoint{{ name = "item", url = "{url}/items/web", create = {{ url = "{url}/items", json = {{ name = "web", '
    'size = {size}, spec = {{ zones = {{ "a", "b" }} }} }} }}, compare = {{ "size", "spec.zones.1" }} }}'
)


def test_an_object_is_made_changed_put_right_rolled_back_and_deleted(
    workflow: Any, server: Server
) -> None:
    workflow.declares(OBJECT.format(url=server.url, size=1))
    assert workflow.run() == "1 created, 0 updated, 0 deleted, 0 unchanged"
    sent = '{"name":"web","size":1,"spec":{"zones":["a","b"]}}'
    assert [(call[0], call[1], sorted(json.loads(call[2]))) for call in server.taken_calls()] == [
        ("POST", "/items", ["name", "size", "spec"])
    ]
    assert workflow.run() == "0 created, 0 updated, 0 deleted, 1 unchanged"
    assert workflow.attributes("item")["object"] == {"size": 1, "spec.zones.1": "a"}
    server.objects["/items/web"]["size"] = 5
    assert workflow.drift() == {"http_endpoint/item": "drifted"}
    assert workflow.run() == "0 created, 1 updated, 0 deleted, 0 unchanged"
    assert [call[:2] for call in server.taken_calls()] == [("PUT", "/items/web")]
    workflow.declares(OBJECT.format(url=server.url, size=2))
    workflow.run()
    workflow.rolls_back(1)
    assert server.objects["/items/web"]["size"] == 1
    assert json.loads(server.taken_calls()[-1][2]) == json.loads(sent)
    del server.objects["/items/web"]
    assert workflow.drift() == {"http_endpoint/item": "missing"}
    workflow.run()
    workflow.declares()
    server.taken_calls()
    assert workflow.run("--prune") == "0 created, 0 updated, 1 deleted, 0 unchanged"
    assert (server.taken_calls(), server.objects) == ([("DELETE", "/items/web", "")], {})


def test_the_requests_of_an_object_can_be_said(workflow: Any, server: Server) -> None:
    declaration = """http_endpoint{ name = "item", url = "URL/items/web", headers = { A = "1" },
        create = { method = "PUT", json = { name = "web", size = SIZE } },
        update = { method = "PATCH", url = "URL/resize", body = "new size" },
        delete = { method = "POST", url = "URL/remove", headers = { A = "2" } } }"""
    declaration = declaration.replace("URL", server.url)
    workflow.declares(declaration.replace("SIZE", "1"))
    workflow.run()
    assert [call[:2] for call in server.taken_calls()] == [("PUT", "/items/web")]
    server.fixed["/resize"], server.fixed["/remove"] = [(200, "")], [(500, "out of order")]
    workflow.declares(declaration.replace("SIZE", "2"))
    result = workflow.sloth("run", "w.sloth")
    assert "item was updated, and yet differs: object.size" in result.stderr + result.stdout
    assert server.taken_calls() == [("PATCH", "/resize", "new size")]
    workflow.declares()
    server.headers.clear()
    assert f"POST {server.url}/remove: it answered 500: out of order" in workflow.fails("--prune")
    assert {headers["A"] for headers in server.headers} == {"1", "2"}


def test_an_object_that_was_there_before_is_not_deleted(workflow: Any, server: Server) -> None:
    server.objects["/items/web"] = {"name": "web", "size": 1, "spec": {"zones": ["a"]}}
    workflow.declares(OBJECT.format(url=server.url, size=2))
    workflow.run()
    workflow.declares()
    workflow.run("--prune")
    assert server.objects["/items/web"]["size"] == 2


def test_an_object_that_cannot_be_read_is_an_error_and_never_missing(
    workflow: Any, server: Server
) -> None:
    workflow.declares(OBJECT.format(url=server.url, size=1))
    workflow.run()
    server.fixed["/items/web"] = [(500, "down")]
    assert f"GET {server.url}/items/web: it answered 500: down" in workflow.fails()
    drift = workflow.sloth("state", "workflow", "drift", "w")
    assert (drift.returncode, drift.stdout.split()[0]) == (1, "unknown")
    server.fixed["/items/web"] = [(200, "<html>")]
    assert "its answer is no JSON object: <html>" in workflow.fails()


def test_each_reason_why_nothing_answers_is_said(
    workflow: Any, server: Server, tmp_path: Path
) -> None:
    silent = Server()  # takes connections and does not answer
    certificate = tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-keyout", certificate, "-out", certificate]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    refused = Server()
    refused.server_close()
    secure = Server()
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    with silent, serving(secure):
        for url, expected in (
            (refused.url, "the connection is refused"),
            (silent.url, "it did not answer within 0.2 s"),
            ("http://nowhere.invalid", "its host name cannot be resolved: "),
            (
                secure.url.replace("http", "https"),
                "its certificate is not trusted: self-signed certificate",
            ),
            (server.url.replace("http", "https"), "TLS failed: "),
        ):
            check(workflow, f"{url}/", f'timeout = "{"200ms" if url == silent.url else "5s"}"')
            assert expected in workflow.fails()


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    workflow: Any, server: Server
) -> None:
    server.fixed["/"] = [(200, "")]
    workflow.sloth.environment["http_proxy"] = "http://127.0.0.1:9"
    check(workflow, f"{server.url}/")
    workflow.run()
    assert server.calls == [("GET", "/", "")]


def test_declarations_that_make_no_sense_are_refused(workflow: Any) -> None:
    said = workflow.refusals(
        "http_endpoint",
        'url = "example.org"',
        'url = "http://x", retries = -1',
        'url = "http://x", timeout = 0',
        'url = "http://x", body = "a", json = { 1 }',
        'url = "http://x", headers = { a = true }',
        'url = "http://x", delete = { url = "http://y" }',
        'url = "http://x", create = { body = "a" }',
        'url = "http://x", create = { json = { a = 1 } }, status = 201',
        'url = "http://x", create = { json = { a = 1 } }, compare = { "b" }',
        'url = "http://x", create = { json = { a = 1 } }, compare = { a = true }',
        'url = "http://x", create = { json = { a = 1 }, verb = "POST" }',
    )
    assert [each.split("http_endpoint", 1)[1] for each in said] == [
        ": url must begin with http:// or https:// and a host, not 'example.org'",
        ": retries must be a whole number, 0 or more",
        ": timeout must be more than 0",
        ": body and json are both given; one request sends one of them",
        ": headers.a must be a string, not true",
        ": delete belongs to an object, and without create this is a check",
        ": create.json must be a table of names to values, not nothing",
        ": status belongs to a check, and with create this is an object",
        ": compare names 'b', which create.json does not have",
        ": compare must be a list",
        ".create: it has no field 'verb'; there is body, headers, json, method, url",
    ]
