"""CUDA graphs: work on a GPU that is recorded once and then launched as a whole."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import torch


class GraphRecorder:
    """Records on the current stream, which must not be the device's default one, into one pool.

    Its graphs use the same memory, so they must never run beside each other: all of them are to be
    replayed on that stream.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Runs the work once, then records it; raises RuntimeError where that fails.

        It must have run before: libraries choose their algorithms and take their work space in the
        first runs, which a recording must not see.
        """
        # What waits for the device is found here: found while recording, it would leave PyTorch's
        # allocator believing that the recording goes on.
        with _no_waiting():
            work()
        graph = torch.cuda.CUDAGraph()
        # Memory that the collector frees meanwhile would break the recording.
        with _no_collections():
            # Not torch.cuda.graph, which waits for the device and empties all caches.
            graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
            try:
                work()
            except BaseException:
                with suppress(RuntimeError):  # the recording is broken, and says so once more
                    graph.capture_end()
                raise
            graph.capture_end()
        return graph.replay

    def forget(self) -> None:
        """Waits for the device and begins a new pool; graphs must have been dropped before."""
        torch.cuda.synchronize(self._device)
        self._pool = torch.cuda.graph_pool_handle()


@contextmanager
def _no_waiting() -> Iterator[None]:
    """Whatever has the host wait for the device raises inside."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@contextmanager
def _no_collections() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
