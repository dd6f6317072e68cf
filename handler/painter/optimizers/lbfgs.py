"""L-BFGS within the box [0, 1]: its line search decides on the host."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import ClassVar, Final, Self

import torch
from torch import Tensor

from painter.device.readings import read
from painter.optimizers.curvature import Curvature
from painter.optimizers.optimizer import Optimizer
from painter.options.catalog import Options

HISTORY: Final = 5
_FIRST_MOVE: Final = 0.3
_SUFFICIENT: Final = 1e-4
_CURVATURE_LEAST: Final = 1e-10
_SEARCHES_MOST: Final = 20
# Losses are sums over thousands of features, most of whose roundings cancel out.
_ROUNDING: Final = 1 / 64


class LBFGS(Optimizer):
    """L-BFGS (Nocedal & Wright 2006, alg. 7.4) within the box, with a backtracking search.

    Its initial inverse Hessian is no multiple of the identity, but scales places and frequencies
    as `Curvature` saw them. Pixels that lie at a bound and are drawn beyond it are left out of
    the direction (as Bertsekas 1982 does); trial canvases are projected into the box; a pair of
    differences enters the history only where its curvature is positive. For deterministic losses
    only. `dtype` is the type that the losses are evaluated in: what rounding alone may make of
    one is no way up, or the search would look for a way down in vain near the end of a painting.
    """

    compares_losses: ClassVar = True
    is_averaged: ClassVar = False
    # The history's pairs, and the spectra of directions and changes.
    copies: ClassVar = 24 + 2 * HISTORY

    def __init__(self, canvas: Tensor, dtype: torch.dtype = torch.float64) -> None:
        super().__init__(canvas.device)
        self._trial = canvas.clone()
        self._rounding = _ROUNDING * torch.finfo(dtype).eps
        self._search = self._descend()
        next(self._search)

    @classmethod
    def begin(
        cls, canvas: Tensor, options: Options, dtype: torch.dtype, before: Self | None
    ) -> Self:
        """With nothing of the level before: its pairs tell of another canvas."""
        return cls(canvas, dtype)

    @property
    def canvas(self) -> Tensor:
        """The canvas to be evaluated next: a trial of the line search."""
        return self._trial

    def tell(self, loss: Tensor, gradient: Tensor) -> bool:
        """One evaluation of the search; False once no step along the gradient goes down."""
        try:
            self._search.send((loss, gradient))
        except StopIteration:
            return False
        return True

    def _descend(self) -> Generator[None, tuple[Tensor, Tensor], None]:
        measured, gradient = yield
        canvas, loss = self._trial, 0.0
        known = _Known(canvas)
        is_first = True
        while True:
            direction, slope = known.direction(canvas, gradient)
            if is_first:
                loss, downhill = read(measured, slope)
                if not downhill < 0:
                    return
            accepted = yield from self._backtrack(canvas, loss, gradient, direction, slope, known)
            if accepted is None:
                if not known.pairs:
                    return
                known = _Known(canvas)
                is_first = False
                continue
            step, change = accepted[0] - canvas, accepted[2] - gradient
            canvas, loss, gradient = accepted
            known.learn(step, change)
            is_first = False

    def _backtrack(
        self,
        canvas: Tensor,
        loss: float,
        gradient: Tensor,
        direction: Tensor,
        slope: Tensor,
        known: _Known,
    ) -> Generator[None, tuple[Tensor, Tensor], tuple[Tensor, float, Tensor] | None]:
        """The first trial along the projected direction that goes down enough (Armijo)."""
        length = 1.0
        allowed = loss + self._rounding * abs(loss)
        for _ in range(_SEARCHES_MOST):
            self._trial = (canvas + length * direction).clamp_(0, 1)
            measured, trial_gradient = yield
            expected_there = _dot(self._trial - canvas, gradient)
            sound = self._soundness.of(measured, trial_gradient)
            trial_loss, expected, is_sound, downhill, counts = read(
                measured, expected_there, sound, slope, known.newest_counts
            )
            known.settle(bool(counts))
            if not downhill < 0:
                return None
            if not is_sound:
                length /= 10
            elif trial_loss <= allowed + _SUFFICIENT * expected and expected < 0:
                return self._trial, trial_loss, trial_gradient
            else:
                length *= _shrink(loss, expected, trial_loss)
        return None


@dataclass(frozen=True, slots=True)
class _Pair:
    """The difference of two canvases and of their gradients; `inverse` is 1 / stepᵀchange.

    It is 0 where the loss does not curve upward along the step, so that the pair changes nothing.
    """

    step: Tensor
    change: Tensor
    inverse: Tensor


class _Known:
    """What the newest pairs of differences, of canvases and of gradients, say of the Hessian.

    The newest pair may be one that does not count, until `settle` tells.
    """

    def __init__(self, canvas: Tensor) -> None:
        self.pairs: deque[_Pair] = deque(maxlen=HISTORY)
        self._curvature = Curvature(canvas)
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
        product = _dot(step, change)
        counts = product > _CURVATURE_LEAST * _norm(step) * _norm(change)
        self.pairs.append(_Pair(step, change, torch.where(counts, 1 / product, 0)))
        self._curvature.learn(step, change, torch.where(counts, product, 0))

    def direction(self, canvas: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Where to go from a canvas within the box, and the slope of the loss along it."""
        free = ~(((canvas <= 0) & (gradient > 0)) | ((canvas >= 1) & (gradient < 0)))
        downhill = gradient * free
        direction = -self._inverse_hessian_times(downhill) * free
        is_known = torch.stack([pair.inverse > 0 for pair in self.pairs] or [self._none]).any()
        scale = torch.where(is_known, 1.0, _first_scale(direction))
        direction *= scale
        return direction, _dot(direction, downhill)

    def _inverse_hessian_times(self, vector: Tensor) -> Tensor:
        """The two-loop recursion."""
        result = vector.clone()
        factors: list[Tensor] = []
        for pair in reversed(self.pairs):
            factor = pair.inverse * _dot(pair.step, result)
            result.sub_(pair.change * factor)
            factors.append(factor)
        result = self._curvature.inverse_times(result)
        for pair, factor in zip(self.pairs, reversed(factors), strict=True):
            rest = factor - pair.inverse * _dot(pair.change, result)
            result.add_(pair.step * rest)
        return result


def _dot(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).sum(dtype=torch.float64)


def _norm(values: Tensor) -> Tensor:
    return _dot(values, values).sqrt()


def _first_scale(direction: Tensor) -> Tensor:
    """Without curvature yet: a step that moves the farthest pixel by a share of the range."""
    largest = direction.abs().max()
    return torch.where(largest > 0, _FIRST_MOVE / largest, 0)


def _shrink(loss: float, expected: float, trial_loss: float) -> float:
    """The minimum of the parabola through what is known, kept between a tenth and a half."""
    curvature = trial_loss - loss - expected
    if curvature <= 0 or expected >= 0:
        return 0.5
    return min(0.5, max(0.1, -expected / (2 * curvature)))
