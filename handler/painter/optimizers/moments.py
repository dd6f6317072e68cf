"""Descent by moments: Kingma & Ba 2015, whatever is moved; it never waits for the host."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

import torch
from torch import Tensor

from painter.optimizers.optimizer import Optimizer

# Shorter than the paper's averages (0.9 and 0.999): a level has one to three dozen steps.
MOMENTUM: Final = (0.7, 0.95)
# It slows down to this share of its learning rate by the end of a level: at full rate its steps,
# which are of one size whatever the gradient, leave noise that only averages out.
LAST_PACE: Final = 0.3
# Relative losses have gradients of the order of 1 / pixels, so Adam's epsilon has as well.
EPSILON_BY_PIXELS: Final = 1e-3


class MomentDescent(Optimizer):
    """Steps along first moments, scaled by second ones; a class says of what, and how they move."""

    compares_losses: ClassVar = False
    is_averaged: ClassVar = True

    def __init__(self, canvas: Tensor, learning_rate: Tensor | float) -> None:
        super().__init__(canvas.device)
        self._canvas = canvas.clone()
        zero = torch.zeros((), dtype=torch.float64, device=canvas.device)
        self._learning_rate = zero + learning_rate
        self._last_rate = zero
        self._pace = 1.0

    @property
    def canvas(self) -> Tensor:
        """The canvas to be evaluated next."""
        return self._canvas

    def pace_for(self, step: int, steps: int) -> None:
        """Slows down towards a level's end; where that is open, it does not."""
        self._pace = 1 - (1 - LAST_PACE) * step / steps if steps else 1.0

    def tell(self, loss: Tensor, gradient: Tensor) -> bool:
        """One step; a loss or gradient that is not finite takes the last step back, halved.

        The moments tell the step that is taken back, so no canvas is kept for this; a pixel that
        the box had stopped comes back by the whole step.
        """
        sound = self._soundness.of(loss, gradient)
        gradient.masked_fill_(~sound, 0)
        moments = self._learn(gradient, sound)
        rate = self._pace * self._learning_rate
        self._move(torch.where(sound, rate, -self._last_rate))
        self._last_rate = torch.where(sound, rate, 0)
        for each in moments:
            each.first.mul_(sound)
        halved = torch.where(sound | self.lost, 1.0, 0.5)
        self._learning_rate = self._learning_rate * halved
        return True

    @abstractmethod
    def _learn(self, gradient: Tensor, sound: Tensor) -> Iterable[Moments]:
        """Takes a gradient at the canvas into all moments, unless it is not sound."""

    @abstractmethod
    def _move(self, rate: Tensor) -> None:
        """Moves the canvas against the moments at a rate, within the box."""


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
        bias, correction = (bias_of(decay, self.steps) for decay in MOMENTUM)
        return self.first / bias / (self.second / correction).sqrt_().add_(epsilon)


def bias_of(decay: float, steps: Tensor) -> Tensor:
    """What an average that began with 0 has gathered after so many steps; 1 where none was."""
    return torch.where(steps > 0, 1 - decay**steps, 1.0)
