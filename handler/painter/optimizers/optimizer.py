"""What every optimizer is: asked for a canvas, and told its loss and gradient.

A painting can so be left between any two evaluations, in the middle of a line search too. All keep
the canvas in the box [0, 1], and take a step back where a loss is not finite.

Losses and gradients stay on the device. Adam decides there as well, so that it never waits; a line
search decides on the host, and waits for all the numbers of an evaluation at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Final, Self

import torch
from torch import Tensor

from painter.options.catalog import Options

# After so many evaluations on end that are not finite an optimizer stands still.
UNSOUND_MOST: Final = 5


class Optimizer(ABC):
    """The descent of a canvas on one level; all that is peculiar to an optimizer is said here.

    `compares_losses` says that the losses of its canvases are compared with each other, so that
    neither a shift nor a neighbor in a pass may change them. `is_averaged` says that its canvases
    are iterates, whose average is shown and judged; where they are trials, the best one is.
    `copies` is how many canvases in float32 it holds at most, its own included.
    """

    compares_losses: ClassVar[bool]
    is_averaged: ClassVar[bool]
    copies: ClassVar[int]

    def __init__(self, device: torch.device) -> None:
        self._soundness = Soundness(device)

    @classmethod
    @abstractmethod
    def begin(
        cls, canvas: Tensor, options: Options, dtype: torch.dtype, before: Self | None
    ) -> Self:
        """A level's descent from a canvas [3, H, W], which it leaves as it is.

        `dtype` is the type that losses are evaluated in, `before` the descent of the level before.
        """

    @property
    @abstractmethod
    def canvas(self) -> Tensor:
        """The canvas [3, H, W] to be evaluated next, within [0, 1]."""

    @property
    def lost(self) -> Tensor:
        """Whether it stands still, since losses were not finite several times on end; a scalar."""
        return self._soundness.lost

    @abstractmethod
    def tell(self, loss: Tensor, gradient: Tensor) -> bool:
        """Takes the loss and gradient at `canvas`, and uses up the gradient.

        False where no way down is left.
        """

    def pace_for(self, step: int, steps: int) -> None:  # noqa: B027
        """Says which step of a level comes next, from 0, and of how many; without it, all alike."""


class Soundness:
    """Whether losses and gradients are finite; once they were not for too long, none counts."""

    def __init__(self, device: torch.device) -> None:
        self.broken = torch.zeros((), dtype=torch.int32, device=device)
        self.lost = torch.zeros((), dtype=torch.bool, device=device)

    def of(self, loss: Tensor, gradient: Tensor) -> Tensor:
        """Whether an evaluation counts, a scalar on its device."""
        # A sum is not finite where one of its terms is not, and needs no copy of a large canvas.
        finite = torch.isfinite(loss) & torch.isfinite(gradient.sum())
        sound = finite & ~self.lost
        self.broken = torch.where(sound, 0, self.broken + 1)
        self.lost = self.lost | (self.broken >= UNSOUND_MOST)
        return sound
