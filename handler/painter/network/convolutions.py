"""Convolutions of 3 x 3 and their input gradients: the fastest of each processor."""

from __future__ import annotations

from typing import Final, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.network.fused_convolutions import RECTIFIED, TAPPED
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


def at_tap(convolution: Convolution, x: Tensor, kind: torch.dtype) -> tuple[Tensor, Tensor]:
    """The features before and after the ReLU, in a type."""
    if isinstance(convolution, Plain):
        return convolution.at_tap(x, kind)
    features = convolution(x, relu=False).to(kind)
    return features, features.relu()


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

    def at_tap(self, x: Tensor, kind: torch.dtype) -> tuple[Tensor, Tensor]:
        """See the function of this name."""
        both: tuple[Tensor, Tensor] = TAPPED(x, self._weight, self._bias, kind)
        return both

    def input_gradient(self, gradient: Tensor) -> Tensor:
        return F.conv2d(gradient, self._turned, padding=1)


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
