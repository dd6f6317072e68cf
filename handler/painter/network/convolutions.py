"""Convolutions of 3 x 3 and their input gradients: the fastest of each processor."""

from __future__ import annotations

from functools import cached_property
from typing import Final, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.network.fused_convolutions import RECTIFIED, TAPPED
from painter.network.unfolded import Unfolded, added_up
from painter.network.winograd import Winograd, tiles_of

# With few channels the transforms cost more than the multiplications they save, and on few tiles
# the transformed kernel takes longer to read than the plain one to multiply with.
_WINOGRAD_PRODUCTS_LEAST: Final = 96**2  # inputs times outputs
_WINOGRAD_TILES_LEAST: Final = 8
# The whole network's largest kernels are not worth the memory of another copy for small pictures.
_KEPT_TWICE_MOST: Final = 2**21  # values of a kernel
COLORS: Final = 3


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
    if forward == backward == torch.float32:
        if pays_for_transforms(*weight.shape[:2]):
            return BySize(weight.float(), bias.float())
        if weight.shape[1] == COLORS:
            return OfColors(weight.float(), bias.float())
    return Packed(weight, bias, forward, backward)


def pays_for_transforms(outputs: int, inputs: int) -> bool:
    """Whether so many channels are convolved faster by Winograd's filtering, on enough tiles."""
    return outputs * inputs >= _WINOGRAD_PRODUCTS_LEAST


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


class BySize:
    """Winograd's filtering of large features and a plain product of small ones, in float32.

    oneDNN has no part in it: with AVX2 alone it wants most kernels in another order for small
    features than they are packed in, and reordering them took up to a hundred times as long.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self._weight = weight
        self._bias = bias
        self._tiles_least = _WINOGRAD_TILES_LEAST if weight.numel() <= _KEPT_TWICE_MOST else 0

    def __call__(self, x: Tensor, relu: bool) -> Tensor:
        return self._for(x)(x, relu)

    def input_gradient(self, gradient: Tensor) -> Tensor:
        return self._for(gradient).input_gradient(gradient)

    def _for(self, x: Tensor) -> Convolution:
        height, width = x.shape[2:]
        return self._large if tiles_of(height, width) >= self._tiles_least else self._small

    # Made when features of that size are met, since an idle painter needs neither.
    @cached_property
    def _large(self) -> Winograd:
        return Winograd(self._weight, self._bias)

    @cached_property
    def _small(self) -> Unfolded:
        return Unfolded(self._weight, self._bias)


class OfColors:
    """A convolution of the three colors in float32: for few inputs oneDNN has no fast gradient.

    The gradient lies in planes, as colors are taken up.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        self._weight = _packed(weight)
        self._bias = bias
        # [3 · 3 · inputs, outputs]: what each output draws at each place of its kernel.
        self._drawn = weight.permute(2, 3, 1, 0).flatten(0, 2).contiguous()

    def __call__(self, x: Tensor, relu: bool) -> Tensor:
        return _pointwise(x, self._weight, self._bias, "relu" if relu else "none")

    def input_gradient(self, gradient: Tensor) -> Tensor:
        batch, outputs, height, width = gradient.shape
        rows = gradient.permute(0, 2, 3, 1).reshape(-1, outputs)
        planes = torch.mm(self._drawn, rows.T).view(3, 3, -1, batch, height, width)
        around = gradient.new_zeros(planes.shape[2], batch, height + 2, width + 2)
        return added_up(planes.permute(3, 4, 5, 0, 1, 2), around.permute(1, 2, 3, 0))


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
