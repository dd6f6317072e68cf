"""Work that runs beside other work of the same painting: on streams of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Streams:
    """Streams beside the current one, which are forked from it and join it again.

    Forks nest: a fork inside of another has the next stream; where none is left, its work stays on
    the current one. Whatever is made in a fork must be kept until it has joined, and so must all
    that it uses: their memory belongs to the stream that they were made on.
    """

    def __init__(self, device: torch.device, count: int) -> None:
        self._device = device
        self._streams = [
            torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
            for _ in range(count)
        ]
        self._depth = 0

    @contextmanager
    def forked(self) -> Iterator[None]:
        """Whatever is launched inside runs beside what is launched next, up to `join`."""
        stream = self._next
        if stream is None:
            yield
            return
        stream.wait_stream(torch.cuda.current_stream(self._device))
        self._depth += 1
        try:
            with torch.cuda.stream(stream):
                yield
        finally:
            self._depth -= 1

    def join(self) -> None:
        """Whatever is launched from now on comes after what was forked."""
        stream = self._next
        if stream is not None:
            torch.cuda.current_stream(self._device).wait_stream(stream)

    @property
    def _next(self) -> torch.cuda.Stream | None:
        return self._streams[self._depth] if self._depth < len(self._streams) else None
