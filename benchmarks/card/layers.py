"""The bare convolutions of VGG-19, forward and for the gradient at the pixels, in variants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from card.device import NeedsCard
from painter.network.layers import CONVOLUTION_NAMES, stride_of
from painter.network.weights import CONVOLUTIONS

Call = Callable[[], Tensor]
Make = Callable[[], Call]

# Up to conv5_1, the deepest layer that the defaults look at.
DEPTH: Final = 13
# Three colors, filled up with zeros so that tensor cores can take them.
COLORS: Final = 8
DIRECTIONS: Final = ("forward", "gradient")
# bfloat16 with channels last.
PLAIN: Final = "channels last"


@dataclass(frozen=True)
class Layer:
    """One convolution on features of a height and width."""

    name: str
    inputs: int
    outputs: int
    height: int
    width: int

    @property
    def flop(self) -> int:
        """Operations of one direction: both have as many."""
        return 2 * 9 * self.inputs * self.outputs * self.height * self.width


def layers(shape: tuple[int, int], depth: int = DEPTH) -> list[Layer]:
    """The first convolutions for pixels of a height and width."""
    found = []
    for name, channels in zip(CONVOLUTION_NAMES[:depth], CONVOLUTIONS.values(), strict=False):
        stride = stride_of(name)
        found.append(Layer(name, *channels, shape[0] // stride, shape[1] // stride))
    return found


def variants(layer: Layer, direction: str, device: torch.device) -> Iterator[tuple[str, Make]]:
    """The ways to compute a layer in one direction, by names; the engine's own is the first."""
    first = layer.inputs == 3
    half, last = torch.bfloat16, torch.channels_last
    sizes = _sizes(layer, direction)
    yield PLAIN, partial(_plain, layer, sizes, device, half, last)
    yield "planes", partial(_plain, layer, sizes, device, half, torch.contiguous_format)
    if first:
        yield "float32", partial(_plain, layer, sizes, device, torch.float32, last)
        yield f"{COLORS} colors", partial(_plain, layer, _filled(sizes), device, half, last)
    if direction == "forward":
        yield "bias and ReLU", partial(_fused, layer, sizes, device)
        if first:
            yield f"{COLORS} colors, bias and ReLU", partial(_fused, layer, _filled(sizes), device)
    else:
        yield "backward", partial(_backward, layer, device)


def bare_view(shape: tuple[int, int], device: torch.device) -> list[Call]:
    """The convolutions of one view there and back, in bfloat16 with colors filled up."""
    calls = []
    for direction in DIRECTIONS:
        for layer in layers(shape):
            sizes = _filled(_sizes(layer, direction))
            calls.append(_plain(layer, sizes, device, torch.bfloat16, torch.channels_last))
    return calls


def _sizes(layer: Layer, direction: str) -> tuple[int, int]:
    """Channels that go in and come out; the gradient's convolution has them swapped."""
    pair = (layer.inputs, layer.outputs)
    return pair if direction == "forward" else (pair[1], pair[0])


def _filled(sizes: tuple[int, int]) -> tuple[int, int]:
    return max(sizes[0], COLORS), max(sizes[1], COLORS)


def _plain(
    layer: Layer,
    sizes: tuple[int, int],
    device: torch.device,
    dtype: torch.dtype,
    layout: torch.memory_format,
) -> Call:
    x, weight = _operands(layer, sizes, device, dtype, layout)
    return partial(F.conv2d, x, weight, padding=1)


def _fused(layer: Layer, sizes: tuple[int, int], device: torch.device) -> Call:
    _needs_card(device)
    x, weight = _operands(layer, sizes, device, torch.bfloat16, torch.channels_last)
    bias = torch.randn(sizes[1], device=device, dtype=torch.bfloat16)
    one = [1, 1]
    return partial(torch.cudnn_convolution_relu, x, weight, bias, one, one, one, 1)


def _needs_card(device: torch.device) -> None:
    if device.type != "cuda":
        raise NeedsCard


def _backward(layer: Layer, device: torch.device) -> Call:
    """What autograd would call for the gradient at the input."""
    sizes = (layer.inputs, layer.outputs)
    x, weight = _operands(layer, sizes, device, torch.bfloat16, torch.channels_last)
    gradient = _random(layer, layer.outputs, device, torch.bfloat16, torch.channels_last)
    one, mask = [1, 1], [True, False, False]

    def call() -> Tensor:
        found: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
            gradient, x, weight, None, one, one, one, False, [0, 0], 1, mask
        )
        return found[0]

    return call


def _operands(
    layer: Layer,
    sizes: tuple[int, int],
    device: torch.device,
    dtype: torch.dtype,
    layout: torch.memory_format,
) -> tuple[Tensor, Tensor]:
    """Random features and a random kernel: zeros would be multiplied faster."""
    inputs, outputs = sizes
    weight = torch.randn(outputs, inputs, 3, 3, device=device, dtype=dtype) / (9 * inputs) ** 0.5
    return _random(layer, inputs, device, dtype, layout), weight.contiguous(memory_format=layout)


def _random(
    layer: Layer,
    channels: int,
    device: torch.device,
    dtype: torch.dtype,
    layout: torch.memory_format,
) -> Tensor:
    x = torch.randn(1, channels, layer.height, layer.width, device=device, dtype=dtype)
    return x.contiguous(memory_format=layout)
