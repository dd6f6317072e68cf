"""Messages between the server and a process that reads pictures: a length, and so many bytes."""

from __future__ import annotations

import socket
import struct
import time
from typing import Any, Final

import numpy as np

_LENGTH: Final = struct.Struct(">Q")


class Ended(Exception):
    """The other side has gone."""


class Line:
    """One end of a socket; what takes until after `deadline`, in monotonic seconds, times out."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self.deadline: float | None = None

    def send(self, message: bytes | memoryview) -> None:
        """Raises Ended or TimeoutError."""
        self._wait()
        try:
            self._end.sendall(_LENGTH.pack(len(message)))
            self._end.sendall(message)
        except (BrokenPipeError, ConnectionResetError):
            raise Ended from None

    def receive(self) -> bytearray:
        """The next message; raises Ended or TimeoutError."""
        head = bytearray(_LENGTH.size)
        self.receive_into(memoryview(head))
        message = bytearray(_LENGTH.unpack(head)[0])
        self.receive_into(memoryview(message))
        return message

    def receive_into(self, room: memoryview) -> None:
        """Fills all of it with bytes; raises Ended or TimeoutError."""
        while room:
            self._wait()
            try:
                count = self._end.recv_into(room)
            except ConnectionResetError:
                raise Ended from None
            if not count:
                raise Ended
            room = room[count:]

    def receive_planes(self, shape: list[int], kind: str) -> np.ndarray[Any, Any]:
        """An array of this shape, as `send_planes` sends it."""
        planes = np.empty(shape, kind)
        self.receive_into(planes.data.cast("B"))
        return planes

    def send_planes(self, planes: np.ndarray[Any, Any]) -> None:
        """One plane after the other, of which each is copied alone."""
        for plane in planes:
            self._end.sendall(np.ascontiguousarray(plane).data.cast("B"))

    def close(self) -> None:
        """Ends it for both sides."""
        self._end.close()

    def _wait(self) -> None:
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._end.settimeout(left)
