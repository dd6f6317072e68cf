"""Adam within the box [0, 1]: it decides on the device, and never waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.optimizers.optimizer import Optimizer
from painter.options.catalog import Options

# Shorter than the paper's averages (0.9 and 0.999): a level has one to three dozen steps.
MOMENTUM: Final = (0.7, 0.95)
# Adam slows down to this share of its learning rate by the end of a level: at full rate its
# steps, which are of one size whatever the gradient, leave noise that only averages out.
LAST_PACE: Final = 0.3
# The share of the rate at which whole channels move beside their pixels: see `Adam`.
CHANNEL_RATE: Final = 0.4
# Relative losses have gradients of the order of 1 / pixels, so Adam's epsilon has as well.
EPSILON_BY_PIXELS: Final = 1e-3
# A step is taken in bands of so many pixels: what it takes for a moment is small beside the canvas.
_BAND_PIXELS: Final = 2**18


class Adam(Optimizer):
    """Kingma & Ba 2015, clamped to the box after each step; on the pixels, and on channels.

    What all pixels of a channel have in common is most of what the first layers' Gram matrices see,
    and steps that are scaled pixel by pixel are slow there: dark and flat pictures would stay
    behind. So the mean of each channel's gradient has moments and steps of its own. `pace` is the
    share of the learning rate that the next step takes.
    """

    compares_losses: ClassVar = False
    is_averaged: ClassVar = True
    copies: ClassVar = 3

    def __init__(
        self, canvas: Tensor, learning_rate: Tensor | float, moments: Moments | None = None
    ) -> None:
        super().__init__(canvas.device)
        self._canvas = canvas.clone()
        self._has_stepped = moments is not None
        self._pixels = moments or Moments.none_of(canvas)
        self._channels = Moments.none_of(canvas.new_zeros(len(canvas), 1, 1))
        zero = torch.zeros((), dtype=torch.float64, device=canvas.device)
        self._learning_rate = zero + learning_rate
        self._last_rate = zero
        self.pace = 1.0

    @classmethod
    def begin(
        cls, canvas: Tensor, options: Options, dtype: torch.dtype, before: Self | None
    ) -> Self:
        """With the moments of the level before, if there was one."""
        return cls(canvas, options.learning_rate) if before is None else before.enlarged(canvas)

    @property
    def canvas(self) -> Tensor:
        """The canvas to be evaluated next."""
        return self._canvas

    def pace_for(self, step: int, steps: int) -> None:
        """Slows down towards a level's end; where that is open, it does not."""
        self.pace = 1 - (1 - LAST_PACE) * step / steps if steps else 1.0

    def tell(self, loss: Tensor, gradient: Tensor) -> bool:
        """One step; a loss or gradient that is not finite takes the last step back, halved.

        The moments tell the step that is taken back, so no canvas is kept for this; a pixel that
        the box had stopped comes back by the whole step.
        """
        self._has_stepped = True
        sound = self._soundness.of(loss, gradient)
        gradient.masked_fill_(~sound, 0)
        self._pixels = self._pixels.learn(gradient, sound)
        self._channels = self._channels.learn(_mean_of_channels(gradient), sound)
        rate = self.pace * self._learning_rate
        self._move(torch.where(sound, rate, -self._last_rate))
        self._last_rate = torch.where(sound, rate, 0)
        self._pixels.first.mul_(sound)
        self._channels.first.mul_(sound)
        halved = torch.where(sound | self.lost, 1.0, 0.5)
        self._learning_rate = self._learning_rate * halved
        return True

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
        first, second = (_bias(decay, before.steps) for decay in MOMENTUM)
        moments = Moments(
            _interpolated(before.first, shape).mul_(ratio * (1 - MOMENTUM[0]) / first),
            _interpolated(before.second, shape).mul_(ratio**2 * (1 - MOMENTUM[1]) / second),
            before.steps.clamp(max=1),
        )
        return type(self)(canvas, self._learning_rate, moments)

    def _move(self, rate: Tensor) -> None:
        """Against the first moments, each value scaled by its second; within the box."""
        pixels = self._pixels
        bias, correction = (_bias(decay, pixels.steps) for decay in MOMENTUM)
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


@dataclass(frozen=True, slots=True)
class Moments:
    """Adam's averages of gradients and of their squares, and after how many steps; on the device.

    Before the first step all are 0.
    """

    first: Tensor
    second: Tensor
    steps: Tensor

    @staticmethod
    def none_of(canvas: Tensor) -> Moments:
        """Those of an array before the first step."""
        steps = torch.zeros((), dtype=torch.float64, device=canvas.device)
        return Moments(torch.zeros_like(canvas), torch.zeros_like(canvas), steps)

    def learn(self, gradient: Tensor, sound: Tensor) -> Moments:
        """Takes in a gradient, in place, unless it is not sound (a scalar)."""
        decay, square_decay = MOMENTUM
        self.first.lerp_(gradient, torch.where(sound, 1 - decay, 0.0).to(gradient.dtype))
        self.second.mul_(torch.where(sound, square_decay, 1.0))
        self.second.addcmul_(gradient, gradient, value=1 - square_decay)
        return Moments(self.first, self.second, self.steps + sound)

    def direction(self, epsilon: float) -> Tensor:
        """The first moment scaled by the second, both without their bias."""
        bias, correction = (_bias(decay, self.steps) for decay in MOMENTUM)
        return self.first / bias / (self.second / correction).sqrt_().add_(epsilon)


def _bias(decay: float, steps: Tensor) -> Tensor:
    """What an average that began with 0 has gathered after so many steps; 1 where none was."""
    return torch.where(steps > 0, 1 - decay**steps, 1.0)


def _interpolated(values: Tensor, shape: tuple[int, int]) -> Tensor:
    return F.interpolate(values[None], size=shape, mode="bilinear", align_corners=False)[0]
