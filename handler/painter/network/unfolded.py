"""Convolutions of 3 x 3 as one product with what each place sees, for small features."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


class Unfolded:
    """One 3 x 3 convolution of stride 1 with zero padding, and its input gradient."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        # [outputs, 3 · 3 · inputs]
        self._matrix = weight.permute(0, 2, 3, 1).flatten(1).contiguous()
        self._bias = bias

    def __call__(self, x: Tensor, relu: bool) -> Tensor:
        """The convolution of x [B, C, H, W], with or without its ReLU; channels last."""
        batch, inputs, height, width = x.shape
        pixels = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
        of_picture, of_row, of_pixel, of_channel = pixels.stride()
        size = (batch, height, width, 3, 3, inputs)
        steps = (of_picture, of_row, of_pixel, of_row, of_pixel, of_channel)
        seen = pixels.as_strided(size, steps)
        y = torch.addmm(self._bias, seen.reshape(-1, 9 * inputs), self._matrix.T)
        y = y.view(batch, height, width, -1).permute(0, 3, 1, 2)
        return y.relu_() if relu else y

    def input_gradient(self, gradient: Tensor) -> Tensor:
        """The gradient with respect to x, from that with respect to what came out."""
        batch, outputs, height, width = gradient.shape
        rows = gradient.permute(0, 2, 3, 1).reshape(-1, outputs)
        drawn = torch.mm(rows, self._matrix).view(batch, height, width, 3, 3, -1)
        around = drawn.new_zeros(batch, height + 2, width + 2, drawn.shape[5])
        return added_up(drawn, around).contiguous(memory_format=torch.channels_last)


def added_up(drawn: Tensor, around: Tensor) -> Tensor:
    """What all places draw in the nine places of their kernels, as features [B, C, H, W].

    It comes as [B, H, W, 3, 3, C] and is added to `around`, zeros of [B, H + 2, W + 2, C], whose
    order in memory is that of the result.
    """
    height, width = drawn.shape[1:3]
    for down in range(3):
        for across in range(3):
            place = around[:, down : down + height, across : across + width]
            place.add_(drawn[:, :, :, down, across])
    return around[:, 1:-1, 1:-1].permute(0, 3, 1, 2)
