"""What L-BFGS knows of the Hessian: its newest pairs of differences, and a guess at the rest."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

import torch
from torch import Tensor

HISTORY: Final = 5
_FIRST_MOVE: Final = 0.3
_CURVATURE_LEAST: Final = 1e-10


@dataclass(frozen=True, slots=True)
class _Pair:
    """The difference of two canvases and of their gradients; `inverse` is 1 / stepᵀchange.

    It is 0 where the loss does not curve upward along the step, so that the pair changes nothing.
    """

    step: Tensor
    change: Tensor
    inverse: Tensor


class Guess(Protocol):
    """A symmetric positive definite guess at the inverse Hessian, as the newest pairs scale it."""

    def learn(self, step: Tensor, change: Tensor, product: Tensor) -> None:
        """Takes in a pair; one whose product stepᵀchange is not positive changes nothing."""

    def inverse_times(self, vector: Tensor) -> Tensor:
        """The guess times a vector [C, H, W]."""


class InverseHessian:
    """What the newest pairs of differences, of canvases and of gradients, say of it.

    The newest pair may be one that does not count, until `settle` tells.
    """

    def __init__(self, canvas: Tensor, guess: Guess) -> None:
        self.pairs: deque[_Pair] = deque(maxlen=HISTORY)
        self._guess = guess
        self._none = torch.zeros((), dtype=torch.bool, device=canvas.device)

    @property
    def newest_counts(self) -> Tensor:
        """Whether the loss curves upward along the newest pair, a scalar."""
        return self.pairs[-1].inverse > 0 if self.pairs else self._none

    def settle(self, counts: bool) -> None:
        """Drops the newest pair unless it counts."""
        if self.pairs and not counts:
            self.pairs.pop()

    def learn(self, step: Tensor, change: Tensor) -> None:
        """Takes in a pair; what it is worth is decided on the device."""
        product = dot(step, change)
        counts = product > _CURVATURE_LEAST * _norm(step) * _norm(change)
        self.pairs.append(_Pair(step, change, torch.where(counts, 1 / product, 0)))
        self._guess.learn(step, change, torch.where(counts, product, 0))

    def direction(self, canvas: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Where to go from a canvas within the box, and the slope of the loss along it."""
        free = ~(((canvas <= 0) & (gradient > 0)) | ((canvas >= 1) & (gradient < 0)))
        downhill = gradient * free
        direction = -self._times(downhill) * free
        is_known = torch.stack([pair.inverse > 0 for pair in self.pairs] or [self._none]).any()
        scale = torch.where(is_known, 1.0, _first_scale(direction))
        direction *= scale
        return direction, dot(direction, downhill)

    def _times(self, vector: Tensor) -> Tensor:
        """The two-loop recursion."""
        result = vector.clone()
        factors: list[Tensor] = []
        for pair in reversed(self.pairs):
            factor = pair.inverse * dot(pair.step, result)
            result.sub_(pair.change * factor)
            factors.append(factor)
        result = self._guess.inverse_times(result)
        for pair, factor in zip(self.pairs, reversed(factors), strict=True):
            rest = factor - pair.inverse * dot(pair.change, result)
            result.add_(pair.step * rest)
        return result


def dot(one: Tensor, other: Tensor) -> Tensor:
    """The inner product of two canvases, a scalar in float64."""
    return (one * other).sum(dtype=torch.float64)


def _norm(values: Tensor) -> Tensor:
    return dot(values, values).sqrt()


def _first_scale(direction: Tensor) -> Tensor:
    """Without curvature yet: a step that moves the farthest pixel by a share of the range."""
    largest = direction.abs().max()
    return torch.where(largest > 0, _FIRST_MOVE / largest, 0)
