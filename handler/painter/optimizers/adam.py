"""Adam within the box [0, 1]: it decides on the device, and never waits for it."""

from __future__ import annotations

from typing import ClassVar, Final, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.optimizers.moments import EPSILON_BY_PIXELS, MOMENTUM, MomentDescent, Moments, bias_of
from painter.options.catalog import Options

# The share of the rate at which whole channels move beside their pixels: see `Adam`.
CHANNEL_RATE: Final = 0.4
# A step is taken in bands of so many pixels: what it takes for a moment is small beside the canvas.
_BAND_PIXELS: Final = 2**18


class Adam(MomentDescent):
    """Kingma & Ba 2015, clamped to the box after each step; on the pixels, and on channels.

    What all pixels of a channel have in common is most of what the first layers' Gram matrices see,
    and steps that are scaled pixel by pixel are slow there: dark and flat pictures would stay
    behind. So the mean of each channel's gradient has moments and steps of its own.
    """

    copies: ClassVar = 3

    def __init__(
        self, canvas: Tensor, learning_rate: Tensor | float, moments: Moments | None = None
    ) -> None:
        super().__init__(canvas, learning_rate)
        self._has_stepped = moments is not None
        self._pixels = moments or Moments.none_of(canvas)
        self._channels = Moments.none_of(canvas.new_zeros(len(canvas), 1, 1))

    @classmethod
    def begin(
        cls, canvas: Tensor, options: Options, dtype: torch.dtype, before: Self | None
    ) -> Self:
        """With the moments of the level before, if there was one."""
        return cls(canvas, options.learning_rate) if before is None else before.enlarged(canvas)

    def enlarged(self, canvas: Tensor) -> Self:
        """The same descent on a canvas of another size, its moments carried over.

        They get the weight of a single step: a canvas just enlarged lacks all that is finer
        than its old pixels, so its gradients are several times as large as the last ones were,
        and steps scaled to those would overshoot. Per pixel, gradients shrink as pixels become
        more.
        """
        if not self._has_stepped:
            return type(self)(canvas, self._learning_rate)
        shape = (canvas.shape[-2], canvas.shape[-1])
        ratio = self._canvas.numel() / canvas.numel()
        before = self._pixels
        first, second = (bias_of(decay, before.steps) for decay in MOMENTUM)
        moments = Moments(
            _interpolated(before.first, shape).mul_(ratio * (1 - MOMENTUM[0]) / first),
            _interpolated(before.second, shape).mul_(ratio**2 * (1 - MOMENTUM[1]) / second),
            before.steps.clamp(max=1),
        )
        return type(self)(canvas, self._learning_rate, moments)

    def _learn(self, gradient: Tensor, sound: Tensor) -> tuple[Moments, Moments]:
        self._has_stepped = True
        self._pixels = self._pixels.learn(gradient, sound)
        self._channels = self._channels.learn(_mean_of_channels(gradient), sound)
        return self._pixels, self._channels

    def _move(self, rate: Tensor) -> None:
        """Against the first moments, each value scaled by its second; within the box."""
        pixels = self._pixels
        bias, correction = (bias_of(decay, pixels.steps) for decay in MOMENTUM)
        epsilon = EPSILON_BY_PIXELS / (self._canvas.shape[-1] * self._canvas.shape[-2])
        shift = self._channels.direction(epsilon) * (rate * CHANNEL_RATE)
        arrays = (self._canvas, pixels.first, pixels.second)
        for canvas, first, second in zip(*map(_bands, arrays), strict=True):
            scale = (second / correction).sqrt_().add_(epsilon).mul_(bias).div_(rate)
            canvas.addcdiv_(first, scale, value=-1).sub_(shift).clamp_(0, 1)


def _bands(array: Tensor) -> tuple[Tensor, ...]:
    """An array [C, H, W] in pieces whose temporary copies are small beside it."""
    return torch.split(array, max(1, _BAND_PIXELS // array.shape[-1]), dim=-2)


def _mean_of_channels(gradient: Tensor) -> Tensor:
    """Means [C, 1, 1] of [C, H, W]: in whatever order it is summed, it comes to the same number.

    The sums are in float64, into which PyTorch copies all that it sums at once.
    """
    sums = [band.sum((-2, -1), keepdim=True, dtype=torch.float64) for band in _bands(gradient)]
    pixels = gradient.shape[-2] * gradient.shape[-1]
    return (torch.stack(sums).sum(0) / pixels).to(gradient.dtype)


def _interpolated(values: Tensor, shape: tuple[int, int]) -> Tensor:
    return F.interpolate(values[None], size=shape, mode="bilinear", align_corners=False)[0]
