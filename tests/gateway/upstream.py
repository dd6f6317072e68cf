"""A server behind the gateway that keeps every byte it was sent, and answers as it is told."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

READY = b'{"name":"bruno","health":"ready"}'
PAINTED = b'{"painted":true}'


def whole(body: bytes, status: bytes = b"200 OK", more: bytes = b"") -> bytes:
    """A whole answer of HTTP."""
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nConnection: close\r\n%s" % (
        status,
        more,
    )
    return head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


@dataclass
class Received:
    """A request as it came over one connection, and what came after it."""

    line: socket.socket
    head: bytes
    body: bytes
    rest: bytes = b""

    def header(self, name: str) -> list[str]:
        """The values of a header, one a line."""
        found = re.findall(
            rb"^%s: (.*?)\r$" % name.encode(), self.head, re.MULTILINE | re.IGNORECASE
        )
        return [value.decode() for value in found]


def paint(received: Received) -> None:
    received.line.sendall(whole(PAINTED, more=b"X-Request-Id: of-the-server\r\n"))


@dataclass
class Upstream:
    """Listens on a port of its own until it is closed; `paints` answers all but descriptions."""

    paints: Callable[[Received], None] = paint
    health: bytes = whole(READY)
    requests: list[Received] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.ended = threading.Semaphore(0)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Nobody is answered any more."""
        with suppress(OSError):  # it may have been closed before
            # What waits in accept is woken by shutdown alone.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line, line.makefile("rb") as file:
            head = b"".join(iter(file.readline, b"\r\n"))
            length = re.search(rb"^content-length: (\d+)", head, re.MULTILINE | re.IGNORECASE)
            received = Received(line, head, file.read(int(length[1])) if length else b"")
            try:
                if b'"describe"' in received.body:
                    line.sendall(self.health)
                    return
                self.requests.append(received)
                self.paints(received)
                line.shutdown(socket.SHUT_WR)
                received.rest = file.read()
            except OSError:
                return
            finally:
                self.ended.release()
