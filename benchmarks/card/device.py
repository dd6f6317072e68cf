"""The device that is measured, and how time is taken on it."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import torch

Work = Callable[[], object]

# A round of short calls takes as many as fill this, so that what a timer costs does not count.
_ROUND_SECONDS: Final = 0.005
_CALLS_MOST: Final = 64


class NoDeviceError(Exception):
    """A device that was asked for and is not there; the message is one sentence."""


class NeedsCard(Exception):
    """Something that there is on CUDA alone."""

    def __init__(self) -> None:
        super().__init__("needs CUDA")


@dataclass(frozen=True)
class Device:
    """The CPU or the CUDA card; on a card, work runs on while the host goes on."""

    where: torch.device

    @property
    def is_card(self) -> bool:
        """Whether it is a CUDA device."""
        return self.where.type == "cuda"

    def synchronize(self) -> None:
        """Waits until all work is done."""
        if self.is_card:
            torch.cuda.synchronize()

    def need_card(self) -> None:
        """Raises NeedsCard on the CPU."""
        if not self.is_card:
            raise NeedsCard

    def seconds(self, work: Work, rounds: int) -> dict[str, Any]:
        """Seconds of the device for one call, by events on a card: median, least and most."""
        calls = self._calls(work)
        return spread([self._by_events(work, calls) / calls for _ in range(rounds)])

    def wall(self, work: Work, rounds: int, calls: int = 1) -> dict[str, Any]:
        """Seconds on the wall for one of so many calls, until the device is done with them."""
        taken = []
        for _ in range(rounds):
            self.synchronize()
            began = time.perf_counter()
            for _ in range(calls):
                work()
            self.synchronize()
            taken.append((time.perf_counter() - began) / calls)
        return spread(taken)

    def is_alive(self) -> bool:
        """Whether the device still computes: after some errors it never does again."""
        try:
            return float(torch.ones(2, device=self.where).sum()) == 2
        except RuntimeError:
            return False

    def give_back(self) -> None:
        """Frees what nobody holds any more."""
        gc.collect()
        if self.is_card:
            torch.cuda.empty_cache()

    def _calls(self, work: Work) -> int:
        work()  # plans and compiles
        self.synchronize()
        one = self._by_events(work, 1)
        return max(1, min(_CALLS_MOST, math.ceil(_ROUND_SECONDS / max(one, 1e-6))))

    def _by_events(self, work: Work, calls: int) -> float:
        if not self.is_card:
            return float(self.wall(work, 1, calls)["median"]) * calls
        start, end = (
            torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            for _ in range(2)
        )
        start.record()
        for _ in range(calls):
            work()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end)) / 1000


def find_device(name: str) -> Device:
    """The CPU or the CUDA card, set as the engine sets it; raises NoDeviceError without a card."""
    if name == "cuda":
        if not torch.cuda.is_available():
            raise NoDeviceError(
                "PyTorch finds no CUDA device here: look at the driver with nvidia-smi, or use "
                "--device cpu --smoke to see whether the benchmark runs."
            )
        torch.backends.cudnn.allow_tf32 = False
    return Device(torch.device(name))


def spread(values: list[float]) -> dict[str, Any]:
    """The median of some values, between which they lie, and how many they are."""
    return {
        "median": median(values),
        "least": min(values),
        "most": max(values),
        "rounds": len(values),
    }
