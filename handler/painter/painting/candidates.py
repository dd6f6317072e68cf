"""The canvases that may become the painting: the best so far, and the average of the iterates."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from painter.evaluation.passes import Evaluation


class Candidate:
    """The canvas that may become the painting, and its terms: NaN until one is evaluated.

    All of it is on the device, and which canvas is better is decided there. The one it begins with
    is written over.
    """

    def __init__(self, canvas: Tensor, terms: int) -> None:
        self.canvas = canvas
        self.terms = torch.full((terms,), math.nan, dtype=torch.float64, device=canvas.device)
        self.objective_value = torch.full((), math.inf, dtype=torch.float64, device=canvas.device)

    def forget(self) -> None:
        """The next canvas is better: what is compared has changed."""
        self.objective_value = torch.full_like(self.objective_value, math.inf)

    def take_if_better(self, canvas: Tensor, evaluation: Evaluation) -> None:
        """A better canvas is copied over the one before: a level keeps a single one."""
        worst = self.objective_value
        # What is not finite differs from itself by what is no number.
        better = (evaluation.objective_value < worst) | (worst - worst != 0)
        torch.where(better, canvas, self.canvas, out=self.canvas)
        self.terms = torch.where(better, evaluation.terms, self.terms)
        self.objective_value = torch.where(better, evaluation.objective_value, self.objective_value)


class Average:
    """The exponential average of the iterates, weighted as if they had begun with the first."""

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self._count = 0
        self.canvas = torch.empty(0)

    def add(self, canvas: Tensor) -> None:
        """Takes in the next iterate; without decay the average is the iterate itself."""
        self._count += 1
        if not self.decay:
            self.canvas = canvas
        elif self._count == 1:
            self.canvas = canvas.clone()
        else:
            weight = (1 - self.decay) / (1 - self.decay**self._count)
            self.canvas.lerp_(canvas, weight)
