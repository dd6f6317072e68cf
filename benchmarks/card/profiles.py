"""What torch's profiler saw: kernels, how long the device was busy, and who waited for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

import torch
from torch._C._autograd import DeviceType
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import profile

from card.device import Device
from step import activities

# Calls by which the host waits for the device, or hands it something it must wait for.
_WAITS: Final = (
    *("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize", "cudaMemcpy"),
    *("aten::_local_scalar_dense", "aten::item"),
)
# What moves data and computes nothing, by how the names begin.
_MOVES: Final = ("Memcpy", "Memset")


def profiled(device: Device, work: Callable[[], object]) -> list[FunctionEvent]:
    """The events of some work; a profile before that lets the profiler start up."""
    for rehearsed in (_nothing(device), work):
        with profile(activities=activities(device.where), acc_events=True) as profiler:
            rehearsed()
            device.synchronize()
    return list(profiler.events() or ())


def summary(events: list[FunctionEvent], times: int) -> dict[str, Any]:
    """For one of so many times that the work ran: kernels, moves, waits, and microseconds.

    `idle` is the share of the time between the first and the last kernel in which none ran;
    the profiler slows the host down, so there is less of it without one. On the CPU there are
    no kernels, and operations are counted alone.
    """
    on_card = [event for event in events if is_kernel(event)]
    moves = Counter(event.name for event in on_card if event.name.startswith(_MOVES))
    calls = Counter(event.name for event in events if event.device_type == DeviceType.CPU)
    found: dict[str, Any] = {
        "kernels": (len(on_card) - sum(moves.values())) / times,
        "moves": {name: count / times for name, count in moves.most_common()},
        # The profile's own end waits once.
        "waits": {name: calls[name] / times for name in _WAITS if calls[name]},
        "launches": sum(count for name, count in calls.items() if "LaunchKernel" in name) / times,
        "operations": sum(count for name, count in calls.items() if "::" in name) / times,
    }
    if on_card:
        spans = [(event.time_range.start, event.time_range.end) for event in on_card]
        whole = max(end for _, end in spans) - min(start for start, _ in spans)
        found |= {"busy": busy(spans) / times, "whole": whole / times}
        found["idle"] = 1 - busy(spans) / whole if whole else 0.0
    return found


def by_kernel(events: Iterable[FunctionEvent], most: int) -> list[dict[str, Any]]:
    """The kernels that took most time: name, how many, microseconds together."""
    spent: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for event in events:
        if is_kernel(event):
            spent[event.name] += event.time_range.end - event.time_range.start
            count[event.name] += 1
    return [
        {"name": name, "count": count[name], "microseconds": time}
        for name, time in spent.most_common(most)
    ]


def is_kernel(event: FunctionEvent) -> bool:
    """Whether an event is work of the card, and no mark around some."""
    return event.device_type == DeviceType.CUDA and not event.is_user_annotation


def busy(spans: Iterable[tuple[float, float]]) -> float:
    """The time in which at least one of some spans lasted."""
    total = 0.0
    until = float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


def _nothing(device: Device) -> Callable[[], object]:
    return lambda: torch.ones(8, device=device.where) + 1
