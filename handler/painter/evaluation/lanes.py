"""Where a painting's work runs: in a lane of its own on a GPU, beside those of others.

A lane is a stream of the device with the graphs that were recorded on it. A painting stays in one
lane, where all it does comes one after the other; lanes run beside each other, so that the small
views of one painting fill what the small views of another leave idle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, Protocol
from weakref import WeakSet

import torch

from painter.device.fusing import fused_kernels
from painter.device.graphs import GraphRecorder
from painter.device.streams import Streams
from painter.evaluation.passes import Evaluation, View, evaluate
from painter.evaluation.replay import Replay
from painter.network.vgg import VGG19

LANES: Final = 4
# Evaluations that are launched and not yet done: some milliseconds at 512 px.
AHEAD: Final = 8
# So many in a lane with graphs, where each has its coarser views in it.
WHOLE_AHEAD: Final = 3
# Of a lane's streams, how many views run beside each other besides the finest: the smallest ones
# together take less time than the finest alone.
_BESIDE: Final = 2
# Of the device's memory, what all lanes may hold together; half of it are buffers for what goes in,
# and the rest is what recordings run in, of which a lane needs as much as its largest one.
_RECORDED: Final = 0.25
_BUFFERS: Final = 0.5


class Pace:
    """Keeps the host no more than some evaluations ahead of the device.

    Enough that the device never waits for the host, and so few that a preview, a deadline or a
    client that leaves need not wait for the device.
    """

    def __init__(self, device: torch.device, ahead: int = AHEAD) -> None:
        self._is_ahead = device.type == "cuda"
        self._ahead = ahead
        self._launched: deque[torch.cuda.Event] = deque()

    def wait(self) -> None:
        """To be called before each evaluation, on the stream that it runs on."""
        if not self._is_ahead:
            return
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()
        self._launched.append(event)
        if len(self._launched) > self._ahead:
            self._launched.popleft().synchronize()


class Lane(Protocol):
    """Runs the work of paintings; `shares` says whether they may share passes in it."""

    shares: bool
    paintings: WeakSet[object]

    def active(self) -> AbstractContextManager[None]:
        """Whatever is launched inside runs in this lane."""
        ...

    def evaluate(self, views: Sequence[View]) -> list[Evaluation]:
        """The evaluations of canvases; to be called inside."""
        ...


class OnlyLane:
    """The device as it is, for all paintings.

    On CUDA those of one size share passes. On the CPU each has its own, so that pixels never depend
    on the neighbors.
    """

    def __init__(self, vgg: VGG19) -> None:
        self._vgg = vgg
        self._pace = Pace(vgg.device)
        self.shares = vgg.device.type == "cuda"
        self.paintings: WeakSet[object] = WeakSet()

    def active(self) -> AbstractContextManager[None]:
        """Nothing has to be done for it."""
        return nullcontext()

    def evaluate(self, views: Sequence[View]) -> list[Evaluation]:
        """The evaluations of canvases."""
        self._pace.wait()
        return evaluate(self._vgg, views)


class GraphLane:
    """A stream of a GPU, and graphs recorded on it, of fused kernels or of single ones."""

    def __init__(self, vgg: VGG19, most_bytes: int, is_fused: bool) -> None:
        self.shares = False
        self._is_fused = is_fused
        self._pace = Pace(vgg.device, WHOLE_AHEAD)
        self._stream = torch.cuda.Stream(vgg.device)  # type: ignore[no-untyped-call]
        beside = Streams(vgg.device, _BESIDE)
        self._replay = Replay(vgg, GraphRecorder(vgg.device), beside, most_bytes)
        self._is_active = False
        self.paintings: WeakSet[object] = WeakSet()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Whatever is launched inside runs on its stream; to ask for it again costs nothing."""
        if self._is_active:
            yield
            return
        with torch.cuda.stream(self._stream), fused_kernels(self._is_fused):
            self._is_active = True
            try:
                yield
            finally:
                self._is_active = False

    def evaluate(self, views: Sequence[View]) -> list[Evaluation]:
        """The evaluations of canvases, each replayed for itself, with its coarser views in it."""
        self._pace.wait()
        return self._replay(views)


class Lanes:
    """The lanes of a device: one that all share, or on CUDA with graphs four.

    `bytes` is what recordings may hold of the device's memory together, beside all paintings. With
    graphs kernels are fused as well, unless `is_fused` is False.
    """

    def __init__(self, vgg: VGG19, with_graphs: bool, is_fused: bool = True) -> None:
        self._lanes: list[Lane] = [OnlyLane(vgg)]
        self.bytes = 0
        if with_graphs:
            _, total = torch.cuda.mem_get_info(vgg.device)
            self.bytes = int(total * _RECORDED)
            buffers = int(self.bytes * _BUFFERS) // LANES
            self._lanes = [GraphLane(vgg, buffers, is_fused) for _ in range(LANES)]

    def freest(self) -> Lane:
        """The lane with the fewest paintings."""
        return min(self._lanes, key=lambda lane: len(lane.paintings))
