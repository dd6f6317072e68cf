"""A network between clients and a server that can be cut, and slowed."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

PIECE_BYTES = 4096


class Proxy:
    """Passes connections on; what goes through waits `pause` seconds for each 4 KiB."""

    def __init__(self, url: str) -> None:
        there = urlsplit(url)
        self._there = (str(there.hostname), int(there.port or 80))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.pause = 0.0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Breaks whatever is open now."""
        with self._lock:
            for end in self._open:
                with suppress(OSError):  # it has broken by itself
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Takes no connection any more, and breaks those that are open."""
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                far = socket.create_connection(self._there)
            except OSError:  # whoever is not there is not there for the other side either
                near.close()
                continue
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with self._lock:
            self._open.add(one)
        try:
            while piece := one.recv(PIECE_BYTES):
                time.sleep(self.pause)
                other.sendall(piece)
            other.shutdown(socket.SHUT_WR)
        except OSError:  # what breaks on one side breaks on the other
            with suppress(OSError):
                other.shutdown(socket.SHUT_RDWR)
        finally:
            with self._lock:
                self._open.discard(one)
            one.close()
