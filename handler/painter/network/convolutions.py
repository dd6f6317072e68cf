"""Convolutions of 3 x 3 and their input gradients: the fastest of each processor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.device.fusing import Fused, channels_last, empty_channels_last
from painter.network.winograd import Winograd

# With few channels the transforms cost more than the multiplications they save.
WINOGRAD_CHANNELS_LEAST: Final = 128


class Convolution(Protocol):
    """One 3 x 3 convolution and its input gradient.

    Forward and backward may run in types of their own.
    """

    def __call__(self, x: Tensor, relu: bool) -> Tensor:
        """The features before or after the ReLU."""
        ...

    def input_gradient(self, gradient: Tensor) -> Tensor:
        """The gradient with respect to the input, from that with respect to the output."""
        ...


def fastest_convolution(
    weight: Tensor, bias: Tensor, forward: torch.dtype, backward: torch.dtype
) -> Convolution:
    """The fastest for a kernel [outputs, inputs, 3, 3] on its device and in these types."""
    if weight.device.type != "cpu" or forward == torch.float64:
        return Plain(weight, bias, forward, backward)
    many = min(weight.shape[:2]) >= WINOGRAD_CHANNELS_LEAST
    if many and forward == backward == torch.float32:
        return Winograd(weight.to(forward), bias.to(forward))
    return Packed(weight, bias, forward, backward)


class Plain:
    """PyTorch's own convolution, wherever it runs.

    The input gradient of a stride-1 convolution is the convolution with the kernel turned by
    180 degrees and its channels swapped.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor, forward: torch.dtype, backward: torch.dtype
    ) -> None:
        layout = torch.channels_last
        self._weight = weight.to(forward).contiguous(memory_format=layout)
        self._turned = _turned(weight).to(backward).contiguous(memory_format=layout)
        self._bias = bias.to(forward)

    def __call__(self, x: Tensor, relu: bool) -> Tensor:
        if relu:
            rectified: Tensor = RECTIFIED(x, self._weight, self._bias)
            return rectified
        return F.conv2d(x, self._weight, self._bias, padding=1)

    def input_gradient(self, gradient: Tensor) -> Tensor:
        return F.conv2d(gradient, self._turned, padding=1)


def _rectified(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.conv2d(x, weight, bias, padding=1).relu_()


def _launch_rectified(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    one = [1, 1]
    found: Tensor = torch.cudnn_convolution_relu(x, weight, bias, one, one, one, 1)
    return found


def _shape_rectified(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return empty_channels_last(x, (len(x), len(weight), *x.shape[2:]))


def _samples_rectified(
    device: torch.device, dtype: torch.dtype
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Of the first layers and of a deep one, whose kernels are others."""
    first = torch.promote_types(dtype, torch.float32)
    for inputs, outputs, side, kind in (
        (3, 64, 96, first),
        (64, 64, 96, dtype),
        (256, 512, 9, dtype),
    ):
        x = torch.randn(1, inputs, side, side + 3, device=device).to(kind)
        weight = torch.randn(outputs, inputs, 3, 3, device=device) / (9 * inputs) ** 0.5
        bias = torch.randn(outputs, device=device).to(kind)
        yield channels_last(x), channels_last(weight.to(kind)), bias


# cuDNN's own kernel.
RECTIFIED: Final = Fused(
    "rectified_convolution(Tensor x, Tensor weight, Tensor bias) -> Tensor",
    _rectified,
    _launch_rectified,
    _shape_rectified,
    _samples_rectified,
)


class Packed:
    """oneDNN's convolution, both kernels packed once and the ReLU fused with it."""

    def __init__(
        self, weight: Tensor, bias: Tensor, forward: torch.dtype, backward: torch.dtype
    ) -> None:
        self._weight = _packed(weight.to(forward))
        self._turned = _packed(_turned(weight).to(backward))
        self._bias = bias.to(forward)

    def __call__(self, x: Tensor, relu: bool) -> Tensor:
        return _pointwise(x, self._weight, self._bias, "relu" if relu else "none")

    def input_gradient(self, gradient: Tensor) -> Tensor:
        return _pointwise(gradient, self._turned, None, "none")


def _turned(weight: Tensor) -> Tensor:
    return weight.flip(2, 3).transpose(0, 1)


def _packed(weight: Tensor) -> Tensor:
    packed: Tensor = torch.ops.mkldnn._reorder_convolution_weight(
        weight.contiguous(memory_format=torch.channels_last), [1, 1], [1, 1], [1, 1], 1, None
    )
    return packed


def _pointwise(x: Tensor, weight: Tensor, bias: Tensor | None, activation: str) -> Tensor:
    y: Tensor = torch.ops.mkldnn._convolution_pointwise(
        x, weight, bias, [1, 1], [1, 1], [1, 1], 1, activation, [], ""
    )
    return y
