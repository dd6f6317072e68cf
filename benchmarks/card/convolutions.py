"""Section 2: the bare convolutions of all views of a step, from the host and in graphs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

from card.bench import Bench
from card.device import Device, Work
from card.graphs import captured, new_streams
from card.layers import Call, bare_view
from card.notes import Notes
from painter.canvas.layout import padded_shape

View = list[Call]


def measure(notes: Notes, bench: Bench) -> None:
    """Each view by itself, and all of them in sequence and side by side; margins included."""
    device, extent = bench.device, bench.extent
    views = [bare_view(padded_shape((side, side)), device.where) for side in extent.views]
    for side, view in zip(extent.views, views, strict=True):
        notes.take(f"eager, {side}", partial(device.seconds, partial(run, [view]), extent.rounds))
    work = partial(run, views)
    notes.take("eager, in sequence", partial(device.seconds, work, extent.rounds))
    for side, view in zip(extent.views, views, strict=True):
        notes.take(f"graph, {side}", partial(in_graph, device, partial(run, [view]), extent.rounds))
    works = [partial(run, [view]) for view in views]
    forked = partial(forked_in_graph, device, works, extent.rounds)
    notes.take("graph, in sequence", partial(in_graph, device, work, extent.rounds))
    notes.take("graph, forked", forked)


def run(views: list[View]) -> None:
    """One view after the other."""
    for view in views:
        for call in view:
            call()


def in_graph(device: Device, work: Work, rounds: int) -> dict[str, Any]:
    """Seconds of a replay."""
    graph = captured(device, work)
    return device.seconds(graph.replay, rounds)


def fork(works: Sequence[Work], streams: Sequence[torch.cuda.Stream]) -> list[object]:
    """Runs the first on the current stream and each other one on a stream of its own beside it."""
    main = torch.cuda.current_stream()
    for stream in streams:
        stream.wait_stream(main)
    results = [works[0]()]
    for work, stream in zip(works[1:], streams, strict=True):
        with torch.cuda.stream(stream):
            results.append(work())
    for stream in streams:
        main.wait_stream(stream)
    return results


def forked_in_graph(device: Device, works: Sequence[Work], rounds: int) -> dict[str, Any]:
    """Seconds of a replay of works that run side by side."""
    device.need_card()
    return in_graph(device, partial(fork, works, new_streams(len(works) - 1)), rounds)
