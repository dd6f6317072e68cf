"""Line 2: one evaluation of loss and gradient beside its bare convolutions, and the rest."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Final
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._C._autograd import DeviceType
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile, record_function

from painter.canvas.layout import MARGIN
from painter.engine.painter import Painter
from painter.evaluation.passes import View, evaluate
from painter.network.convolutions import COLORS, OfColors, Packed, pays_for_transforms
from painter.network.layers import CONVOLUTION_NAMES, stride_of
from painter.network.unfolded import Unfolded
from painter.network.weights import CONVOLUTIONS
from painter.network.winograd import Winograd
from painter.options.reading import read_options
from painter.options.request import Request
from pairs import Scene

Bare = Callable[[], Tensor]

# What the operations of an evaluation are for, by parts of their names; the first that fits.
_KINDS: Final = (
    ("convolutions", ("convolution", "conv2d")),
    ("Gram matrices and their gradients", ("mm", "matmul", "dot", "linalg")),
    ("ReLU", ("relu", "threshold")),
    ("pooling", ("pool",)),
    ("conversions and copies", ("copy", "_to_", "cat", "stack", "clone", "contiguous")),
    ("padding and resizing", ("pad", "upsample", "index")),
    ("sums and arithmetic", ("add", "sub", "mul", "div", "sum", "mean", "square", "pow", "norm")),
)


def measure_step(painter: Painter, scene: Scene, rounds: int) -> dict[str, Any]:
    """Seconds of one evaluation by the whole network and of its convolutions, in turns."""
    view = measured_view(painter, scene)
    depth = view.objective.config.depth
    height, width = (side + MARGIN for side in view.objective.shape)
    bare, chosen = _fastest(painter.vgg.device, painter.vgg.trunk, depth, (height, width))

    def convolutions() -> None:
        for each in bare:
            each()

    def evaluation() -> None:
        evaluate(painter.vgg, [view])

    times: dict[str, list[float]] = {"evaluation": [], "convolutions": []}
    for _ in range(rounds + 1):  # the first warms up
        times["evaluation"].append(_seconds(evaluation))
        times["convolutions"].append(_seconds(convolutions))
    kept = {name: values[1:] for name, values in times.items()}
    return {
        "width": width - MARGIN,
        "height": height - MARGIN,
        "seconds": kept,
        "chosen": dict(Counter(chosen)),
        "shares": shares_by_kind(evaluation, painter.vgg.device),
    }


def measured_view(painter: Painter, scene: Scene) -> View:
    """What is evaluated: a step of a painting on one level, by the whole network."""
    options = read_options({"size": scene.size, "levels": 1, "steps": 10})
    request = Request(options, scene.content.read_bytes(), (scene.style.read_bytes(),))
    job = painter.begin(request)
    # So are the convolutions beside it.
    job.run(until=lambda: job.pending is not None and not job.pending.objective.config.is_condensed)
    if job.pending is None:
        raise ValueError("the painting has no more steps to measure")
    return job.pending


def _fastest(
    device: torch.device, trunk: torch.dtype, depth: int, shape: tuple[int, int]
) -> tuple[list[Bare], list[str]]:
    """For each layer, forward and backward, the fastest of all types and layouts."""
    chosen: list[Bare] = []
    names: list[str] = []
    for name, (inputs, outputs) in zip(
        CONVOLUTION_NAMES[:depth], CONVOLUTIONS.values(), strict=False
    ):
        side = (shape[0] // stride_of(name), shape[1] // stride_of(name))
        for channels in ((inputs, outputs), (outputs, inputs)):
            candidates = list(_candidates(device, trunk, channels, side))
            times = [min(_seconds(bare) for _ in range(3)) for _, bare in candidates]
            kind, bare = candidates[times.index(min(times))]
            chosen.append(bare)
            names.append(kind)
    return chosen, names


def _candidates(
    device: torch.device, trunk: torch.dtype, channels: tuple[int, int], side: tuple[int, int]
) -> Iterator[tuple[str, Bare]]:
    """An input gradient is a convolution too, with the channels swapped."""
    inputs, outputs = channels
    for dtype in {trunk, torch.float32}:
        weight = torch.randn(outputs, inputs, 3, 3, device=device, dtype=dtype)
        bias = torch.zeros(outputs, device=device, dtype=dtype)
        x = torch.randn(1, inputs, *side, device=device, dtype=dtype)
        kind = str(dtype).removeprefix("torch.")
        last = x.contiguous(memory_format=torch.channels_last)
        weight_last = weight.contiguous(memory_format=torch.channels_last)
        yield f"{kind}, planes", partial(F.conv2d, x, weight, padding=1)
        yield f"{kind}, channels last", partial(F.conv2d, last, weight_last, padding=1)
        if device.type == "cpu":
            packed = Packed(weight, bias, dtype, dtype)
            yield f"{kind}, packed", partial(packed, last, relu=False)
        if device.type == "cpu" and dtype == torch.float32:
            if pays_for_transforms(outputs, inputs):
                yield f"{kind}, Winograd", partial(Winograd(weight, bias), last, relu=False)
            if outputs == COLORS:
                first = OfColors(weight.transpose(0, 1), x.new_zeros(inputs))
                yield f"{kind}, one product", partial(first.input_gradient, last)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def shares_by_kind(work: Callable[[], object], device: torch.device) -> dict[str, float]:
    """What each kind of operation takes of a device's time, as shares of the whole."""
    with _products_named(), profile(activities=activities(device)) as profiler:
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
    spent = time_by_kind(profiler.events() or (), device)
    whole = sum(spent.values())
    return {kind: time / whole for kind, time in spent.most_common()}


def activities(device: torch.device) -> list[ProfilerActivity]:
    """What a profile has to look at, for the time on a device."""
    of_card = [ProfilerActivity.CUDA] if device.type == "cuda" else []
    return [ProfilerActivity.CPU, *of_card]


def time_by_kind(events: Iterable[FunctionEvent], device: torch.device) -> Counter[str]:
    """Microseconds by kinds of operations: of the processor, or of the kernels they started."""
    spent: Counter[str] = Counter()
    for event in events:
        if event.device_type != DeviceType.CPU:
            continue  # a kernel, which counts with the operation that started it
        on_card = device.type == "cuda"
        time = event.self_device_time_total if on_card else event.self_cpu_time_total
        if time:
            spent[_kind(event)] += time
    return spent


@contextmanager
def _products_named() -> Iterator[None]:
    """Has a profile tell the products that a convolution is made of from all others."""
    with ExitStack() as patches:
        for kind in (Winograd, Unfolded, OfColors):
            for method in ("__call__", "input_gradient"):
                named = record_function("convolution")(getattr(kind, method))
                patches.enter_context(patch.object(kind, method, named))
        yield


def _kind(event: FunctionEvent) -> str:
    """By the operation's name, or those of the operations that it is a part of."""
    if event.cpu_parent is not None and _kind(event.cpu_parent) == "convolutions":
        return "convolutions"
    for kind, parts in _KINDS:
        if any(part in event.name for part in parts):
            return kind
    return "other"
