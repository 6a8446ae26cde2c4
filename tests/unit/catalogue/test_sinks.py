import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from evol_core.catalogue.sinks import DELAYS_S, FileSink, HttpSink, open_sink
from evol_core.errors import CatalogueError, EventRefused


def event(number: int, kind: str = "COMPLETE") -> dict[str, Any]:
    return {"eventType": kind, "run": {"runId": f"run-{number}"}}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_file_holds_an_event_once_whoever_sends_it_again(tmp_path: Path) -> None:
    path = tmp_path / "new/events.jsonl"
    for numbers in ([1, 2], [2, 3]):
        sink = FileSink(path)
        for number in numbers:
            sink.send(event(number))
        sink.close()

    assert lines(path) == [event(1), event(2), event(3)]


def test_start_and_end_of_a_run_are_two_events(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "events.jsonl")
    sink.send(event(1, "START"))
    sink.send(event(1))
    sink.close()

    assert len(lines(tmp_path / "events.jsonl")) == 2


def test_half_a_line_of_a_killed_writer_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(json.dumps(event(1)) + "\n" + json.dumps(event(2))[:20])

    sink = FileSink(path)
    sink.send(event(2))
    sink.close()

    assert lines(path) == [event(1), event(2)]


def test_a_setting_names_a_server_or_a_file_of_the_home(tmp_path: Path) -> None:
    assert isinstance(open_sink("http://127.0.0.1:1/api", tmp_path), HttpSink)
    sink = open_sink("catalogue/events.jsonl", tmp_path)
    sink.close()

    assert (tmp_path / "catalogue/events.jsonl").exists()


class Server:
    """Answers with the given codes, one after the other, and keeps what it was sent."""

    def __init__(self, *codes: int) -> None:
        self.codes, self.got = list(codes), list[tuple[str | None, Any]]()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((self.headers["Authorization"], json.loads(body)))
                self.send_response(outer.codes.pop(0))
                self.send_header("Content-Length", "3")
                self.end_headers()
                self.wfile.write(b"why")

            def log_message(self, *arguments: object) -> None:
                """Nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_port}/api/v1/lineage"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*codes: int) -> Server:
        servers.append(Server(*codes))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def test_a_server_gets_the_event_and_the_key(serve: Callable[..., Server]) -> None:
    server = serve(201)

    HttpSink(server.url, "secret").send(event(1))

    assert server.got == [("Bearer secret", event(1))]


def test_a_server_that_cannot_now_is_asked_again(serve: Callable[..., Server]) -> None:
    server, slept = serve(503, 429, 200), list[float]()

    HttpSink(server.url, sleep=slept.append).send(event(1))

    assert (len(server.got), slept) == (3, list(DELAYS_S[:2]))


def test_a_server_that_stays_away_is_named(serve: Callable[..., Server]) -> None:
    server = serve()
    server.close()

    with pytest.raises(CatalogueError, match=r"takes no events: .*refused.*waits in the outbox"):
        HttpSink(server.url, sleep=lambda seconds: None).send(event(1))


def test_an_event_that_a_server_refuses_is_not_sent_again(serve: Callable[..., Server]) -> None:
    server = serve(422)

    with pytest.raises(EventRefused, match="refused the event with 422: why"):
        HttpSink(server.url).send(event(1))
    assert len(server.got) == 1
