"""Optimizers that are asked for a canvas and told its loss and gradient.

A painting can so be left between any two evaluations, in the middle of a line search too.
Both keep the canvas in the box [0, 1], and both take a step back where a loss is not finite.

Losses and gradients stay on the device. Adam decides there as well, so that it never waits; a line
search decides on the host, and waits for all the numbers of an evaluation at once.
"""

from __future__ import annotations

from typing import Final, Protocol

import torch
from torch import Tensor

# After so many evaluations on end that are not finite an optimizer stands still.
UNSOUND_MOST: Final = 5


class Optimizer(Protocol):
    """What a painting asks of its optimizer."""

    @property
    def canvas(self) -> Tensor:
        """The canvas [3, H, W] to be evaluated next, within [0, 1]."""
        ...

    @property
    def lost(self) -> Tensor:
        """Whether it stands still, since losses were not finite several times on end; a scalar."""
        ...

    def tell(self, loss: Tensor, gradient: Tensor) -> bool:
        """Takes the loss and gradient at `canvas`, and uses up the gradient.

        False where no way down is left.
        """
        ...


class Soundness:
    """Whether losses and gradients are finite; once they were not for too long, none counts."""

    def __init__(self, device: torch.device) -> None:
        self._broken = torch.zeros((), dtype=torch.int32, device=device)
        self.lost = torch.zeros((), dtype=torch.bool, device=device)

    def of(self, loss: Tensor, gradient: Tensor) -> Tensor:
        """Whether an evaluation counts, a scalar on its device."""
        # A sum is not finite where one of its terms is not, and needs no copy of a large canvas.
        finite = torch.isfinite(loss) & torch.isfinite(gradient.sum())
        sound = finite & ~self.lost
        self._broken = torch.where(sound, 0, self._broken + 1)
        self.lost = self.lost | (self._broken >= UNSOUND_MOST)
        return sound
