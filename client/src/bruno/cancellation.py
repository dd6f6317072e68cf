"""Requests are canceled while they run: from another thread, without waiting for the server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class Call:
    """One request, from its connection to the end of its answer."""

    def __init__(self) -> None:
        self._left = False
        self._socket: socket.socket | None = None

    @contextmanager
    def made_here(self) -> Iterator[None]:
        """What this thread asks for while this lasts is asked for by this call."""
        before = _CALL.set(self)
        try:
            yield
        finally:
            _CALL.reset(before)

    def goes_over(self, line: socket.socket) -> None:
        """Notes the socket; a call that was left before it had one ends here."""
        self._socket = line
        if self._left:
            self.hang_up()

    def hang_up(self) -> None:
        """Wakes whoever waits for the answer; the server sees its client leave."""
        self._left = True
        if self._socket:
            with suppress(OSError):  # closed already
                # A TLS socket's own way would take its state from under the reader.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_CALL: Final[ContextVar[Call | None]] = ContextVar("call", default=None)


class Cancellation:
    """Requested once, from any thread, it ends every call under it."""

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._calls: set[Call] = set()

    @property
    def is_requested(self) -> bool:
        """Whether somebody has requested it."""
        return self._requested.is_set()

    def request(self) -> None:
        """Ends the calls that are under way, and those to come."""
        self._requested.set()
        for call in self._calls.copy():
            call.hang_up()

    def wait(self, seconds: float) -> None:
        """Sleeps until it is requested, at most for so long."""
        self._requested.wait(seconds)

    @contextmanager
    def call(self) -> Iterator[Call]:
        """A call that can be canceled while this lasts."""
        call = Call()
        self._calls.add(call)
        try:
            if self.is_requested:
                call.hang_up()
            yield call
        finally:
            self._calls.discard(call)


class _Connection(HTTPConnection):
    """A connection that tells the call its socket, which requests and urllib3 keep to themselves.

    A new connection has one as soon as it is connected, one that was kept alive before.
    """

    def connect(self) -> None:
        super().connect()
        self._tell()

    def request(self, *args: Any, **more: Any) -> None:
        self._tell()
        super().request(*args, **more)

    def _tell(self) -> None:
        call = _CALL.get()
        if call and self.sock:
            call.goes_over(self.sock)


class _SecureConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class CancellableAdapter(HTTPAdapter):
    """Makes what a session sends calls that can be canceled, but by way of a SOCKS proxy."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """The pools of direct connections."""
        super().init_poolmanager(*args, **more)
        _with_our_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **more: Any) -> PoolManager:
        """The pools of a proxy's connections."""
        manager: PoolManager = super().proxy_manager_for(proxy, **more)
        return manager if proxy.lower().startswith("socks") else _with_our_pools(manager)


def _with_our_pools(manager: PoolManager) -> PoolManager:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    return manager
