"""Processes that read pictures: whatever a file does to its decoder happens there."""

from __future__ import annotations

import errno
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import time
from typing import Final

from bruno_service.framing import Ended, Line
from painter import errors
from painter.errors import Internal, NotAnImage, OutOfRange, PaintError
from painter.pictures.decoding import read_header
from painter.pictures.samples import Samples

# What a picture may take while it is read: so much, and more for each of its pixels. The kind that
# takes most (WebP with alpha) took 19 bytes a pixel, and makes room for 5 more.
BASE_BYTES: Final = 256 * 2**20
PIXEL_BYTES: Final = 24
# Beside paintings a process computes a third of the time; one that stands still is ended then, and
# its picture is another's.
SLOWEST: Final = 3
# Beside a painting on all cores a process takes its time to start.
START_SECONDS: Final = 120.0
_STARTS_NOT: Final = "the process that reads pictures does not start"


class Readers:
    """So many processes, each of which reads one picture at a time; any thread may ask.

    A process that computes for too long is ended, and its picture refused; one that dies over a
    picture, or stands still, has another read it once more.
    """

    def __init__(self, count: int, seconds: float) -> None:
        """Starts them, and does not wait for that; a picture has so many seconds of computing."""
        self._seconds = seconds
        # Where the system could not start another, there is none until it is needed.
        self._idle: queue.SimpleQueue[_Process | None] = queue.SimpleQueue()
        for _ in range(count):
            self._idle.put(_Process(seconds))

    def read(self, data: bytes, field: str) -> Samples:
        """Reads as `read_planes` does; raises OutOfRange where that takes too long or too much.

        MemoryError is raised where the system has no memory for the process that reads.
        """
        height, width = read_header(data, field).shape
        room = BASE_BYTES + height * width * PIXEL_BYTES
        for _ in range(2):
            process = self._take()
            try:
                return process.read(data, field, room)
            except Ended:
                if process.end() == -signal.SIGXCPU:
                    raise self._too_slow(field) from None
                failed: PaintError = _broken(field)
            except TimeoutError:
                # It stood still or starved, or its seconds of computing would have ended it.
                failed = self._too_slow(field)
            except MemoryError:
                raise _costly(field, f"with {room >> 20} MiB of memory") from None
            finally:
                self._idle.put(process if process.is_idle else self._another(process))
        raise failed

    def close(self) -> None:
        """Ends those that read nothing; the others end with the server."""
        while not self._idle.empty():
            process = self._idle.get()
            if process is not None:
                process.end()

    def _too_slow(self, field: str) -> OutOfRange:
        return _costly(field, f"within {self._seconds:g} s")

    def _take(self) -> _Process:
        process = self._idle.get()
        if process is not None:
            return process
        try:
            return _Process(self._seconds)
        except OSError as error:
            self._idle.put(None)
            if error.errno == errno.ENOMEM:
                raise MemoryError from error
            raise Internal("internal", _STARTS_NOT) from error

    def _another(self, process: _Process) -> _Process | None:
        process.end()
        try:
            return _Process(self._seconds)
        except OSError:  # no memory, or too many processes
            return None


class _Process:
    """One of them, and the line to it."""

    def __init__(self, seconds: float) -> None:
        ours, theirs = socket.socketpair()
        self._line = Line(ours)
        program = [sys.executable, "-P", "-m", "bruno_service.reader"]
        alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        path = os.pathsep.join(filter(None, sys.path))
        try:
            self._process = subprocess.Popen(  # noqa: S603
                [*program, str(theirs.fileno()), str(seconds)],
                env={**os.environ, **alone, "PYTHONPATH": path},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        except OSError:
            self._line.close()
            raise
        finally:
            theirs.close()
        self._seconds = seconds
        self._is_started = self.is_idle = False

    def read(self, data: bytes, field: str, room: int) -> Samples:
        """Raises what is wrong with the picture, MemoryError, TimeoutError or Ended."""
        self._start()
        self.is_idle = False
        self._line.deadline = time.monotonic() + self._seconds * SLOWEST
        self._line.send(field.encode())
        self._line.send(str(room).encode())
        self._line.send(data)
        told = json.loads(self._line.receive())
        planes = self._line.receive_planes(told["shape"], told["kind"]) if "shape" in told else None
        self.is_idle = True
        if planes is not None:
            return planes
        if told["error"] == MemoryError.__name__:
            raise MemoryError
        raise getattr(errors, told["error"])(told["code"], told["detail"], field)

    def end(self) -> int:
        """Ends it, unless it has ended by itself; its exit code."""
        self._line.close()
        self._process.kill()
        return self._process.wait()

    def _start(self) -> None:
        if self._is_started:
            return
        self._line.deadline = time.monotonic() + START_SECONDS
        try:
            self._line.receive()
        except (Ended, TimeoutError):
            raise Internal("internal", _STARTS_NOT) from None
        self._is_started = True


def _broken(field: str) -> NotAnImage:
    return NotAnImage("broken_image", f"{field} ends whatever tries to decode it", field)


def _costly(field: str, bound: str) -> OutOfRange:
    return OutOfRange(
        "image_too_costly", f"{field} must be decoded {bound}, and takes more than that", field
    )
