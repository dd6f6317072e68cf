"""Adam within the box [0, 1]: it decides on the device, and never waits for it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.device.fusing import Fused
from painter.optimizers.moments import EPSILON_BY_PIXELS, MOMENTUM, MomentDescent, Moments, bias_of
from painter.optimizers.optimizer import UNSOUND_MOST
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

    def tell(self, loss: Tensor, gradient: Tensor) -> bool:
        if not STEP.serves(gradient):
            return super().tell(loss, gradient)
        self._has_stepped = True
        STEP(gradient, loss, self._state(), self._pace)
        return True

    def _state(self) -> list[Tensor]:
        """All that a step changes, on the device."""
        pixels, channels, soundness = self._pixels, self._channels, self._soundness
        return [
            *(self._canvas, pixels.first, pixels.second, pixels.steps),
            *(channels.first, channels.second, channels.steps),
            *(self._learning_rate, self._last_rate, soundness.broken, soundness.lost),
        ]

    @classmethod
    def _of(cls, state: Sequence[Tensor], pace: float) -> Self:
        """The descent that has such a state."""
        made = cls(state[0], 0.0, Moments(*state[1:4]))
        made._canvas, made._channels, made._pace = state[0], Moments(*state[4:7]), pace
        made._learning_rate, made._last_rate, broken, lost = state[7:]
        made._soundness.broken, made._soundness.lost = broken, lost
        return made

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


def _step(gradient: Tensor, loss: Tensor, state: list[Tensor], pace: float) -> None:
    descent = Adam._of(state, pace)
    MomentDescent.tell(descent, loss, gradient)
    for before, after in zip(state, descent._state(), strict=True):
        before.copy_(after)


def _launch(gradient: Tensor, loss: Tensor, state: list[Tensor], pace: float) -> None:
    from painter.optimizers import kernels

    canvas, first, second, *scalars = state
    channels, height, width = gradient.shape
    programs, block = -(-height * width // kernels.BLOCK), kernels.BLOCK
    sums = torch.empty(channels, programs, dtype=torch.float64, device=gradient.device)
    decided = torch.empty(4 + channels, device=gradient.device)
    epsilon = EPSILON_BY_PIXELS / (height * width)
    sizes, grid = (height, width, *gradient.stride()), (programs, channels)
    kernels.add_up[grid](gradient, sums, *sizes, block)
    rates = (UNSOUND_MOST, CHANNEL_RATE, *MOMENTUM, *map(math.log, MOMENTUM))
    numbers = (programs, height * width, pace, epsilon)
    kernels.decide[(1,)](sums, loss, *scalars, decided, *numbers, *rates, block)
    kernels.move[grid](gradient, decided, canvas, first, second, *sizes, epsilon, *MOMENTUM, block)


def _shape(gradient: Tensor, loss: Tensor, state: list[Tensor], pace: float) -> None:
    """There is no result."""


def _samples(
    device: torch.device, dtype: torch.dtype
) -> Iterator[tuple[Tensor, Tensor, list[Tensor], float]]:
    """After some steps, which were sound or not: a step on, one back, and one of a lost descent."""
    for gone in ((), (1.0,), (1.0, math.nan), (math.nan,) * UNSOUND_MOST):
        for last in (1.0, math.inf):
            descent = Adam(torch.rand(3, 37, 43, device=device), 0.05)
            for loss in (*gone, last):
                gradient = torch.randn(37, 43, 3, device=device).permute(2, 0, 1) / 1591
                told = torch.full((), loss, dtype=torch.float64, device=device)
                state = [each.clone() for each in descent._state()]
                MomentDescent.tell(descent, told, gradient.clone())
            yield gradient, told, state, 0.8


STEP: Final = Fused(
    "adam(Tensor gradient, Tensor loss, Tensor(a!)[] state, float pace) -> ()",
    _step,
    _launch,
    _shape,
    _samples,
    kernels=3,
    changes=lambda gradient, loss, state, pace: state,
)
