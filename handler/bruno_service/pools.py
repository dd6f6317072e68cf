"""Threads beside the engine's: they read pictures and write them, and never touch the device."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from painter.device.compute import have_team
from painter.engine.ledger import Hold
from painter.options.request import Request
from painter.painting.progress import Painted, Preview
from painter.painting.snapshots import PreviewSnapshot, Snapshot
from painter.pictures.decoding import read_planes
from painter.pictures.picture import Read
from painter.planning.plan import Plan, make_plan

# Larger ones are encoded apart, so that none of them holds up the small ones.
SMALL_PIXELS: Final = 2**20

Ring = Callable[[], None]
Result = TypeVar("Result")


def decoders_on(cores: int) -> int:
    """How many requests are decoded at once."""
    return max(1, cores // 2)


class Pools:
    """Decodes requests into plans, and encodes previews and paintings; rings when one is done.

    With up to three cores each pool has one thread. What is not begun can be cancelled.
    """

    def __init__(self, ring: Ring, cores: int, read: Read = read_planes) -> None:
        self.decoders: Final = decoders_on(cores)
        self._read = read
        self._ring = ring
        self._decode = _pool("decoder", self.decoders)
        self._encode_small = _pool("encoder", max(1, cores // 4))
        self._encode_large = _pool("large-encoder", max(1, cores // 8))

    def decode(self, request: Request, hold: Hold) -> Future[Plan]:
        """The plan of a request; the memory for it is released when it is done."""
        future = self._decode.submit(make_plan, request, self._read)
        future.add_done_callback(hold.release)
        return self._ringing(future)

    def preview(self, snapshot: PreviewSnapshot) -> Future[Preview]:
        """The file of a preview."""
        return self._ringing(self._encode_small.submit(snapshot.encode))

    def encode(self, snapshot: Snapshot) -> Future[Painted]:
        """The file of a painting."""
        height, width = snapshot.canvas.shape
        is_small = height * width <= SMALL_PIXELS
        pool = self._encode_small if is_small else self._encode_large
        return self._ringing(pool.submit(snapshot.encode))

    def close(self) -> None:
        """Ends the threads once they are done with what they have begun."""
        for pool in (self._decode, self._encode_small, self._encode_large):
            pool.shutdown(wait=True, cancel_futures=True)

    def _ringing(self, future: Future[Result]) -> Future[Result]:
        future.add_done_callback(lambda _: self._ring())
        return future


def _pool(name: str, threads: int) -> ThreadPoolExecutor:
    """Threads without teams of their own (see `EngineThread`), all of them there from the start.

    To set a thread's team empties oneDNN's caches, which is nothing to do beside a painting.
    """
    pool = ThreadPoolExecutor(threads, name, have_team, (1,))
    together = threading.Barrier(threads)
    for ready in [pool.submit(together.wait) for _ in range(threads)]:
        ready.result()
    return pool
