"""What is fused with the convolutions: bias and ReLU, and at a tap the features' type too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.device.fusing import Fused, channels_last, empty_channels_last


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


def _tapped(x: Tensor, weight: Tensor, bias: Tensor, kind: torch.dtype) -> tuple[Tensor, Tensor]:
    features = F.conv2d(x, weight, bias, padding=1).to(kind)
    return features, features.relu()


def _launch_tapped(
    x: Tensor, weight: Tensor, bias: Tensor, kind: torch.dtype
) -> tuple[Tensor, Tensor]:
    from painter.network import kernels

    features = channels_last(F.conv2d(x, weight, padding=1))
    both = _shapes_tapped(x, weight, bias, kind)
    count, block = features.numel(), kernels.BLOCK
    kernels.tap[(-(-count // block),)](features, bias, *both, count, len(bias), block)
    return both


def _shapes_tapped(
    x: Tensor, weight: Tensor, bias: Tensor, kind: torch.dtype
) -> tuple[Tensor, Tensor]:
    shape = (len(x), len(weight), *x.shape[2:])
    return empty_channels_last(x, shape, kind), empty_channels_last(x, shape, kind)


def _samples_tapped(
    device: torch.device, dtype: torch.dtype
) -> Iterator[tuple[Tensor, Tensor, Tensor, torch.dtype]]:
    for x, weight, bias in _samples_rectified(device, dtype):
        yield channels_last(x[..., :21, :19]), weight, bias, dtype


# cuDNN's convolution, then its bias, type and ReLU at once.
TAPPED: Final = Fused(
    "tapped_convolution(Tensor x, Tensor weight, Tensor bias, ScalarType kind) -> (Tensor, Tensor)",
    _tapped,
    _launch_tapped,
    _shapes_tapped,
    _samples_tapped,
    kernels=2,
)
