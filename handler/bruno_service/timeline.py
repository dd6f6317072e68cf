"""When a request got how far: the moments between its arrival and its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Literal

Moment = Literal[
    "asked", "decoding", "decoded", "painting", "previewed", "painted", "encoded", "closed"
]
# What is told of a painting, from one moment to another.
STAGES: Final[dict[str, tuple[Moment, Moment]]] = {
    "wait": ("asked", "painting"),
    "decode": ("decoding", "decoded"),
    "paint": ("painting", "painted"),
    "encode": ("painted", "encoded"),
    "first_preview": ("asked", "previewed"),
    "total": ("asked", "closed"),
}


class Timeline:
    """The moments that a request has come to, in seconds of the service's clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.moments: dict[Moment, float] = {"asked": clock()}

    def mark(self, moment: Moment) -> None:
        """Notes that a moment is now, unless it was before."""
        self.moments.setdefault(moment, self._clock())

    def seconds(self, stage: str) -> float | None:
        """How long a stage of `STAGES` took, None where it did not come to its end."""
        begin, end = (self.moments.get(moment) for moment in STAGES[stage])
        return None if begin is None or end is None else end - begin
