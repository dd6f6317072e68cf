"""CUDA graphs: work on a GPU that is recorded once and then launched as a whole."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import torch

# Libraries choose their algorithms and take their work space in the first runs, which a recording
# must not see.
_WARM_UPS: Final = 3


class GraphRecorder:
    """Records on a stream of its own, into one pool of memory.

    Its graphs must never run beside each other: they use the same memory. All replay on that one
    stream, which waits for the stream of whoever asks, and is waited for by it; the host waits
    for neither.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Runs the work three times, then records it; raises RuntimeError where that fails."""
        with self._on_stream():
            for _ in range(_WARM_UPS):
                work()
            # Memory that the collector frees, or a copy that waits, would break the recording.
            with _no_collections():
                graph = self._recorded(work)

        def replay() -> None:
            with self._on_stream():
                graph.replay()

        return replay

    def forget(self) -> None:
        """Waits for the device and begins a new pool; graphs must have been dropped before."""
        torch.cuda.synchronize(self._device)
        self._pool = torch.cuda.graph_pool_handle()

    def _recorded(self, work: Callable[[], None]) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        # Not torch.cuda.graph, which waits for the device and empties all caches.
        graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
        try:
            work()
        except BaseException:
            with suppress(RuntimeError):  # the recording is broken, and says so once more
                graph.capture_end()
            raise
        graph.capture_end()
        return graph

    @contextmanager
    def _on_stream(self) -> Iterator[None]:
        asking = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(asking)
        with torch.cuda.stream(self._stream):
            yield
        asking.wait_stream(self._stream)


@contextmanager
def _no_collections() -> Iterator[None]:
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
