"""A process that reads pictures for a server: it can be ended, and its memory is limited."""

from __future__ import annotations

import json
import math
import resource
import socket
import sys
import time
from pathlib import Path

from bruno_service.framing import Ended, Line
from painter.errors import PaintError
from painter.pictures.decoding import read_planes


def main() -> None:
    """Run with a socket's number and the seconds for a picture, until the other side has gone.

    A picture that takes longer to compute ends the process, by SIGXCPU. One that takes more memory
    than it is given is told of as such; where the system knows no such limit there is none.
    """
    line, seconds = Line(socket.socket(fileno=int(sys.argv[1]))), float(sys.argv[2])
    taken = _data_bytes()
    try:
        line.send(b"ready")
        while True:
            field, room = line.receive().decode(), int(line.receive())
            _limit_memory(taken + room)
            _limit_seconds(seconds)
            _answer(line, field, bytes(line.receive()))
    except Ended:
        return


def _answer(line: Line, field: str, data: bytes) -> None:
    try:
        planes = read_planes(data, field)
    except PaintError as error:
        told = {"error": type(error).__name__, "code": error.code, "detail": error.detail}
        line.send(json.dumps(told).encode())
    except MemoryError:
        line.send(json.dumps({"error": "MemoryError"}).encode())
    else:
        line.send(json.dumps({"shape": planes.shape, "kind": planes.dtype.name}).encode())
        line.send_planes(planes)


def _limit_memory(most: int) -> None:
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (most, resource.RLIM_INFINITY))


def _limit_seconds(seconds: float) -> None:
    most = math.ceil(time.process_time() + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))


def _data_bytes() -> int:
    """What it takes before it has read anything, as the limit counts it."""
    if sys.platform != "linux":
        return 0
    return int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()


if __name__ == "__main__":
    main()
