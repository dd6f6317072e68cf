"""Section 1: how fast the card copies and multiplies, and each convolution in its variants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import torch

from card.bench import Bench
from card.device import Device, Work
from card.extent import Extent
from card.graphs import captured
from card.layers import DIRECTIONS, PLAIN, Call, Layer, Make, layers, variants
from card.notes import Notes

Measure = Callable[[Device, Call, int], dict[str, Any]]

# So many calls make a graph, so that what it costs to start one does not count.
_IN_GRAPH: Final = 10


def measure(notes: Notes, bench: Bench) -> None:
    """Copies, a large product, and the convolutions: from the host, in a graph, and searched for.

    cuDNN chooses by rules, as it does for the engine; `searched` has it try what it has.
    """
    device, extent = bench.device, bench.extent
    notes.take("copy", partial(_copy, device, extent))
    notes.take("product", partial(_product, device, extent))
    for kind, measure in _KINDS.items():
        for direction in DIRECTIONS:
            for layer in layers((extent.layers, extent.layers)):
                for variant, make in variants(layer, direction, device.where):
                    if kind != "searched" or variant == PLAIN:
                        name = f"{kind}, {direction}, {layer.name}, {variant}"
                        notes.take(name, partial(_layer, measure, device, layer, make, extent))


def _copy(device: Device, extent: Extent) -> dict[str, Any]:
    source = torch.randn(extent.copied // 4, device=device.where)
    target = torch.empty_like(source)
    times = device.seconds(lambda: target.copy_(source), extent.rounds)
    return {**times, "bytes_per_second": 2 * extent.copied / times["median"]}


def _product(device: Device, extent: Extent) -> dict[str, Any]:
    size = (extent.product, extent.product)
    one, other = (torch.randn(size, device=device.where, dtype=torch.bfloat16) for _ in range(2))
    times = device.seconds(lambda: one @ other, extent.rounds)
    return {**times, "flop_per_second": 2 * extent.product**3 / times["median"]}


def _layer(
    measure: Measure, device: Device, layer: Layer, make: Make, extent: Extent
) -> dict[str, Any]:
    return {**measure(device, make(), extent.rounds), "flop": layer.flop}


def _eager(device: Device, call: Call, rounds: int) -> dict[str, Any]:
    return device.seconds(call, rounds)


def _in_graph(device: Device, call: Call, rounds: int) -> dict[str, Any]:
    graph = captured(device, _repeated(call))
    times = device.seconds(graph.replay, rounds)
    return {name: value / _IN_GRAPH for name, value in times.items() if name != "rounds"}


def _searched(device: Device, call: Call, rounds: int) -> dict[str, Any]:
    with _searching():
        return _in_graph(device, call, rounds)


_KINDS: Final[dict[str, Measure]] = {"eager": _eager, "graph": _in_graph, "searched": _searched}


def _repeated(call: Call) -> Work:
    def work() -> None:
        for _ in range(_IN_GRAPH):
            call()

    return work


@contextmanager
def _searching() -> Iterator[None]:
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = False
