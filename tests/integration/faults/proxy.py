"""A proxy before Postgres that can lose the answer to a COMMIT: the server has committed, the client never hears."""

import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self

import sqlalchemy as sa

COMMIT = b"COMMIT\0"
"""As the driver sends it, at the end of a simple query."""


class Proxy:
    """Listens on a Unix socket of its own and passes bytes on, until it is told to lose an answer."""

    def __init__(self, url: str, folder: Path) -> None:
        place = sa.make_url(url)
        self.url = place.update_query_dict({"host": str(folder)}).render_as_string(hide_password=False)
        self.lost = 0
        """Answers to COMMIT that were thrown away."""

        self._server = f"{place.query['host']}/.s.PGSQL.5432"
        self._to_lose = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{folder}/.s.PGSQL.5432")
        self._listener.listen()
        self._open: list[socket.socket] = [self._listener]

    def lose_answers(self, number: int) -> None:
        """Throw away the answers to so many of the next COMMITs, and close their connections."""
        self._to_lose = number

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        for one in self._open:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            self._open += [client, server]
            threading.Thread(target=_Session(self, client, server).run, daemon=True).start()

    def takes(self, sent: bytes) -> bool:
        """Whether the answer to what a client sent is one to lose."""
        if self._to_lose == 0 or not sent.endswith(COMMIT):
            return False
        self._to_lose -= 1
        self.lost += 1
        return True


class _Session:
    """One client's connection."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._client_hears_no_more = False

    def run(self) -> None:
        threading.Thread(target=self._pass_answers, daemon=True).start()
        with suppress(OSError):  # the server has gone
            while sent := _received(self._client):
                if self._proxy.takes(sent):
                    self._client_hears_no_more = True
                self._server.sendall(sent)
            self._server.close()

    def _pass_answers(self) -> None:
        with suppress(OSError):  # the client has gone
            while answer := _received(self._server):
                if self._client_hears_no_more:  # the server has answered, so it has committed
                    break
                self._client.sendall(answer)
            self._client.shutdown(socket.SHUT_RDWR)


def _received(source: socket.socket) -> bytes:
    try:
        return source.recv(65536)
    except OSError:
        return b""
