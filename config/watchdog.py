"""Ask a server now and then whether it lives, and have it paint where it has nothing to do."""

from __future__ import annotations

import base64
import json
import struct
import threading
import time
import urllib.error
import urllib.request
import zlib
from http.client import HTTPException, HTTPResponse
from typing import Any

# Seconds between two questions, and how long one waits for its answer.
ASKED_EVERY = 15.0
ANSWER_SECONDS = 30.0
# Without any answer for so long a server is lost: a worker that died is back long before.
LOST_SECONDS = 120.0
PAINTED_EVERY = 300.0
SIDE = 64


class Watchdog:
    """Asks in a thread of its own; `is_lost` tells that no answer came for too long.

    `answered` is when the last answer came, a monotonic time, and `is_asking` says that a question
    waits for its own.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{url}/predictions/bruno"
        self._soon = threading.Event()
        self.is_asking = False
        self.begin_anew(token)
        self._painted = time.monotonic()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def begin_anew(self, token: str) -> None:
        """Counts from now on, with this token."""
        self._token, self.answered = token, time.monotonic()

    def ask_soon(self) -> None:
        """Has it ask at once, or when the answer to its last question has come."""
        self._soon.set()

    @property
    def is_lost(self) -> bool:
        """Whether the server has answered nothing for `LOST_SECONDS`."""
        return time.monotonic() - self.answered > LOST_SECONDS

    def _watch(self) -> None:
        while True:
            self._soon.wait(ASKED_EVERY)
            self._soon.clear()
            self.is_asking = True
            if self._lives():
                self.answered = time.monotonic()
            self.is_asking = False

    def _lives(self) -> bool:
        told = self._ask({"describe": True})
        if not isinstance(told, dict) or told.get("health") != "ready" or told.get("running"):
            return told is not None
        if time.monotonic() - self._painted < PAINTED_EVERY:
            return True
        self._painted = time.monotonic()
        picture = base64.b64encode(gray_picture()).decode()
        asked = {"content": picture, "style": picture, "size": SIDE, "steps": 1, "stream": "events"}
        return self._ask(asked) is not None

    def _ask(self, body: dict[str, Any]) -> Any:
        """What is answered: JSON, events, or `full`; None for silence and nonsense."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._url, json.dumps(body).encode(), headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
                said = self._read(answer)
            return json.loads(said) if "describe" in body else said
        except urllib.error.HTTPError as error:
            error.close()
            # Whoever says that it is full, or is stopped, lives.
            return "full" if error.headers.get("Retry-After") else None
        except (OSError, ValueError, HTTPException):
            return None

    def _read(self, answer: HTTPResponse) -> bytes:
        """All of an answer, each piece of which is a sign of life: a painting may take long."""
        said = b""
        while piece := answer.read1():
            self.answered = time.monotonic()
            said += piece
        return said


def gray_picture() -> bytes:
    """A PNG of 64 x 64 px with all shades of gray, for which no library is needed."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(range(row, row + SIDE)) for row in range(SIDE))
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
