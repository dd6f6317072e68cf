"""Numbers on their way from the device to the host: the only places where one waits for them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

# On a device that works beside the host, the numbers of so many steps are copied together.
TOGETHER: Final = 10


def read(*scalars: Tensor) -> list[float]:
    """Scalars of one device as numbers, in a single copy that is waited for."""
    numbers: list[float] = torch.stack([scalar.double() for scalar in scalars]).tolist()
    return numbers


class Arriving:
    """A tensor on its way to the host, which only who needs it waits for, on any thread."""

    def __init__(self, tensor: Tensor, kept: bool = False) -> None:
        """Takes float32 numbers as they are now; `kept` ones change no more, and need no copy."""
        self._event: torch.cuda.Event | None = None
        if not tensor.is_cuda:
            self._there = tensor.to(torch.float32, copy=not kept)
            return
        self._there = torch.empty(tensor.shape, dtype=torch.float32, pin_memory=True)
        self._there.copy_(tensor, non_blocking=True)
        self._event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        self._event.record()

    @property
    def tensor(self) -> Tensor:
        """The tensor on the host."""
        if self._event is not None:
            self._event.synchronize()
        return self._there


@dataclass(frozen=True, slots=True)
class Reading:
    """What the host knows of a step: its level, its place within it (both from 1), its losses.

    `terms` are the objective's, unweighted; `objective_value` is what the optimizer descends;
    `lost` says that the optimizer stands still, since losses were not finite several times on end.
    """

    level: int
    step: int
    lost: bool
    objective_value: float
    terms: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows on their way: the level and step of each, where they arrive, and what tells when."""

    steps: tuple[tuple[int, int], ...]
    rows: Tensor
    event: torch.cuda.Event | None


class Readings:
    """The numbers of a painting's steps, which the host gets to know without waiting for them.

    On the CPU they are there at once. On CUDA they are copied to pinned memory ten steps at a
    time, those of the first step alone.
    """

    def __init__(self, device: torch.device) -> None:
        self._together = 1 if device.type == "cpu" else TOGETHER
        self._is_first = True
        self._written: list[tuple[tuple[int, int], Tensor]] = []
        self._sent: deque[_Batch] = deque()

    def write(
        self, level: int, step: int, lost: Tensor, objective_value: Tensor, terms: Tensor
    ) -> None:
        """Keeps a step's numbers on the device, to be sent with those of the next ones."""
        row = torch.cat([torch.stack([lost.double(), objective_value]), terms])
        self._written.append(((level, step), row))
        if self._is_first or len(self._written) >= self._together:
            self.send()
            self._is_first = False

    def send(self) -> None:
        """Starts copying what was written since the last time."""
        if not self._written:
            return
        steps, rows = zip(*self._written, strict=True)
        self._written.clear()
        here, event = torch.stack(rows), None
        if here.is_cuda:
            there = torch.empty(here.shape, dtype=here.dtype, pin_memory=True)
            here, event = there.copy_(here, non_blocking=True), torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record()
        self._sent.append(_Batch(steps, here, event))

    def arrived(self, wait: bool = False) -> list[Reading]:
        """What has arrived since the last time, or after a wait all that was sent; oldest first."""
        readings: list[Reading] = []
        while self._sent and _is_there(self._sent[0], wait):
            batch = self._sent.popleft()
            for (level, step), row in zip(batch.steps, batch.rows.tolist(), strict=True):
                lost, objective_value, *terms = row
                readings.append(Reading(level, step, bool(lost), objective_value, tuple(terms)))
        return readings


def _is_there(batch: _Batch, wait: bool) -> bool:
    if batch.event is not None and wait:
        batch.event.synchronize()
    return batch.event is None or bool(batch.event.query())  # type: ignore[no-untyped-call]
