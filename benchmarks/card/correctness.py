"""Section 4: what the card computes beside the CPU, itself again, and memory full of NaN."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, Final

import torch
from torch import Tensor

from card.bench import Bench
from card.device import Device
from card.engine import (
    Judged,
    all_recorded,
    as_judged,
    evaluator,
    judged,
    paint,
    pixels_of,
    plain_painter,
    request_for,
    view_for,
)
from card.extent import Extent
from card.graphs import captured
from card.memory import poison_freed_memory
from card.notes import Notes
from painter.device.fusing import BOUNDS as FUSED_BOUNDS
from painter.device.fusing import Fused, difference, fused_kernels
from painter.engine.painter import Painter
from painter.preparation.style_cache import StyleCache

_CPU: Final = torch.device("cpu")
# The largest relative errors of a loss and of the norm of a gradient's difference: float32 sums in
# another order, where a ReLU or a pooling may decide otherwise; bfloat16 keeps 8 bits.
BOUNDS: Final = {torch.float32: (1e-3, 1e-2), torch.bfloat16: (1e-2, 1e-1)}
# Of the pixels of short paintings, whose steps go apart.
_PAINTED_BOUND: Final = 0.03
# One evaluation needs no coarser views, and no shifts but one, as L-BFGS has it.
_ALONE: Final = {"levels": 1, "optimizer": "lbfgs"}
_STYLE_BYTES: Final = 2**28
_REPRODUCIBLE: Final = {"reproducible": True, "format": "png16", "seed": 3, "init_noise": 0.2}


def measure(notes: Notes, bench: Bench) -> None:
    """Evaluations and paintings beside the CPU's in float32, then paintings beside themselves."""
    device, extent, painter, pictures = bench.device, bench.extent, bench.painter, bench.pictures
    cpu, plain = (plain_painter(where, bench.weights) for where in (_CPU, device.where))
    for name, options, how, tile in _cases(extent):
        request = request_for(pictures, {"size": extent.compared, **_ALONE, **options}, how)
        expected = cache(partial(_judged, cpu, request, tile))
        for mine in {plain.vgg.trunk: plain, painter.vgg.trunk: painter}.values():
            case = f"{name}, {_name(mine.vgg.trunk)}"
            beside = partial(_beside, expected, mine, request, tile)
            notes.take(case, beside)
            if options.get("style_loss") == "gram":
                notes.take(f"{case}, fused", partial(_fused, device, beside))
    for optimizer in ("adam", "lbfgs"):
        asked = request_for(pictures, {**extent.few, "optimizer": optimizer})
        notes.take(f"painting, {optimizer}", partial(_paintings, notes, cpu, painter, asked))
    for optimizer in ("adam", "lbfgs"):
        again = partial(_again, notes, bench, optimizer)
        notes.take(f"again, {optimizer}", partial(again, painter))
        notes.take(f"again, {optimizer}, replayed", partial(_again_replayed, bench, again))
    notes.take("fused kernels", partial(_left_out, bench))
    for kernel in Fused.every:
        for dtype in dict.fromkeys((torch.float32, painter.vgg.trunk)):
            case = f"kernel {kernel.name}, {_name(dtype)}"
            notes.take(case, partial(_kernel, device, kernel, dtype))
    request = request_for(pictures, {"size": extent.compared, **_ALONE})
    notes.take("graph beside eager", partial(_replayed, device, painter, request))


def _cases(extent: Extent) -> Iterator[tuple[str, dict[str, Any], str, int | None]]:
    """Name, options, masks, and the tiles' side where there are any."""
    for style_loss in ("gram", "wasserstein"):
        options = {"style_loss": style_loss}
        yield f"{style_loss}, max pooling", options, "plain", None
        yield f"{style_loss}, average pooling", {**options, "pooling": "average"}, "plain", None
        yield f"{style_loss}, content mask", options, "content mask", None
        yield f"{style_loss}, two regions", options, "two regions", None
        yield f"{style_loss}, tiles", options, "plain", extent.tile
        yield f"{style_loss}, two regions in tiles", options, "two regions", extent.tile


def _judged(painter: Painter, request: Any, tile: int | None) -> Judged:
    return judged(painter, view_for(painter, request), tile)


def _beside(
    expect: Callable[[], Judged], painter: Painter, request: Any, tile: int | None
) -> dict[str, Any]:
    errors = _errors(_judged(painter, request, tile), expect())
    of_loss, of_gradient = BOUNDS[painter.vgg.trunk]
    good = errors["loss"] <= of_loss and errors["gradient"] <= of_gradient
    return {**errors, "good": good}


def _errors(found: Judged, expected: Judged) -> dict[str, float]:
    difference = (found.gradient - expected.gradient).norm() / expected.gradient.norm()
    return {
        "loss": abs(found.total / expected.total - 1),
        "gradient": float(difference),
        "norm": float(found.gradient.norm() / expected.gradient.norm()),
    }


def _paintings(notes: Notes, cpu: Painter, painter: Painter, request: Any) -> dict[str, Any]:
    """The mean difference of two paintings' pixels, in units of the color range."""
    one, other = (
        pixels_of(paint(each, [request], notes.share)["files"][0]) for each in (painter, cpu)
    )
    difference = float((one - other).abs().mean())
    return {"difference": difference, "good": difference <= _PAINTED_BOUND}


def _again_replayed(bench: Bench, again: Callable[[Painter], dict[str, Any]]) -> dict[str, Any]:
    painter = bench.replaying_painter
    with all_recorded(), fused_kernels():
        return again(painter)


def _again(notes: Notes, bench: Bench, optimizer: str, painter: Painter) -> dict[str, Any]:
    """Whether a reproducible painting comes out again, the first time without graphs.

    Alone, beside others (in lanes, where there are graphs), and in memory full of NaN.
    """
    few, pictures = bench.extent.few, bench.pictures
    # Styles that were seen before were so by other kernels than these: single or fused ones.
    for each in (bench.painter, painter):
        each.styles = StyleCache(_STYLE_BYTES)
    mine = request_for(pictures, {**few, **_REPRODUCIBLE, "optimizer": optimizer})
    others = [request_for(pictures, {**few, "alpha": alpha}) for alpha in (2, 3)]

    def painted(*beside: Any, by: Painter = painter) -> Tensor:
        return pixels_of(paint(by, [mine, *beside], notes.share)["files"][0])

    first = painted(by=bench.painter)
    found: dict[str, Any] = {"alone": _same(first, painted())}
    found["beside others"] = _same(first, painted(*others))
    if bench.device.is_card:
        found["poisoned bytes"] = poison_freed_memory(bench.device)
        found["in poisoned memory"] = _same(first, painted())
    found["good"] = all(value for value in found.values() if isinstance(value, bool))
    found["largest difference"] = float((first - painted()).abs().max())
    return found


def _same(one: Tensor, other: Tensor) -> bool:
    return torch.equal(one, other)


def _fused(device: Device, beside: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    device.need_card()
    with fused_kernels():
        return beside()


def _left_out(bench: Bench) -> dict[str, Any]:
    """What a painter left out when it tried all kernels, so that no step has it."""
    _ = bench.replaying_painter
    names = [name for kernel in Fused.every for name in kernel.left_out]
    return {"left out": ", ".join(names) or "none", "good": not names}


def _kernel(device: Device, kernel: Fused, dtype: torch.dtype) -> dict[str, Any]:
    """A fused kernel beside the plain code, whose results' memory had NaN before."""
    device.need_card()
    errors = []
    for sample in kernel.samples(device.where, dtype):
        expected = kernel.outcome(kernel.plain, sample)
        poisoned = poison_freed_memory(device)
        errors.append(difference(kernel.outcome(kernel.operator, sample), expected))
    good = all(error <= FUSED_BOUNDS[dtype] for error in errors)
    return {"poisoned bytes": poisoned, "error": max(errors), "good": good}


def _replayed(device: Device, painter: Painter, request: Any) -> dict[str, Any]:
    """An evaluation's graph, replayed on another canvas than it was captured with."""
    view = view_for(painter, request)
    graph = captured(device, partial(evaluator(painter), [view]))
    other = view_for(painter, request, seed=5)
    view.canvas.copy_(other.canvas)
    graph.replay()
    device.synchronize()
    (replayed,) = graph.result
    found = as_judged(replayed)
    errors = _errors(found, judged(painter, other))
    return {**errors, "good": errors["gradient"] == 0 and errors["loss"] == 0}


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
