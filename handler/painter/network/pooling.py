"""Pooling between the blocks of VGG-19, by maxima or means, and its way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.device.fusing import empty_channels_last
from painter.network.fused import POOLED, UNPOOLED, through_relu

# Max pooling keeps the largest of four; the mean of four is smaller, and the later layers'
# weights expect the former. The gains are the ratio of the two (root mean squares over nine
# photographs of 512 px, original weights) behind blocks 1 to 4.
AVERAGE_POOLING_GAINS: Final = (1.15, 1.57, 1.37, 1.88)


@dataclass(frozen=True, slots=True)
class Pooling:
    """One pooling: the shape of what came in, what went out, and where its maxima were.

    `indices` is None for average pooling, and of bytes where kernels are fused.
    """

    shape: torch.Size
    output: Tensor
    indices: Tensor | None


def _gain(name: str) -> float:
    return AVERAGE_POOLING_GAINS[int(name[4]) - 1]


def pool(x: Tensor, name: str, kind: str) -> Pooling:
    """Halves features [B, C, H, W] that follow the convolution of a name, by a kind of pooling."""
    if kind == "average":
        y, indices = F.avg_pool2d(x, 2) * _gain(name), None
    elif POOLED.serves(x):
        y, indices = POOLED(x)
    else:
        pooled, indices = F.max_pool2d(_bands(x), 2, return_indices=True)
        y = _whole(pooled, len(x))
    return Pooling(x.shape, y, indices)


def unpool(gradient: Tensor, name: str, pooling: Pooling) -> Tensor:
    """Pulls a gradient at what went out back to what came in."""
    if pooling.indices is not None and pooling.indices.dtype == torch.uint8:
        unpooled: Tensor = UNPOOLED(gradient, pooling.indices, *pooling.shape[2:])
        return unpooled
    whole = empty_channels_last(gradient, pooling.shape)
    if pooling.indices is None:
        averaged: Tensor = torch.ops.aten.avg_pool2d_backward(
            gradient * _gain(name), whole, [2, 2], [2, 2], [0, 0], False, True, None
        )
        return averaged
    # A maximum that is 0 came through no ReLU, and one that is positive through its own.
    gradient = through_relu(gradient, pooling.output)
    whole[:, :, 2 * gradient.shape[2] :].zero_()
    bands = _bands(whole)
    torch.ops.aten.max_pool2d_with_indices_backward.grad_input(
        _bands(gradient, 1),
        bands,
        *([2, 2], [2, 2], [0, 0], [1, 1], False),
        pooling.indices,
        grad_input=bands,
    )
    return whole


def _bands(x: Tensor, height: int = 2) -> Tensor:
    """A single [1, C, H, W] as a batch of its bands [H / height, C, height, W], a view.

    PyTorch pools in threads over a batch alone, on the CPU. A row that does not fill a band is left
    out, as pooling would.
    """
    if len(x) > 1 or x.is_cuda:
        return x
    rows = x.permute(0, 2, 3, 1)[0]
    count = len(rows) // height
    return rows[: count * height].reshape(count, height, *rows.shape[1:]).permute(0, 3, 1, 2)


def _whole(bands: Tensor, count: int) -> Tensor:
    """Bands of one row each, put together again; what is none is left as it is."""
    if count > 1 or bands.is_cuda:
        return bands
    return bands.permute(0, 2, 3, 1).flatten(0, 1)[None].permute(0, 3, 1, 2)
