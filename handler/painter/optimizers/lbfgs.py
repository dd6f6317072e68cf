"""L-BFGS within the box [0, 1]: its line search decides on the host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Self

import torch
from torch import Tensor

from painter.device.readings import read
from painter.optimizers.curvature import Curvature
from painter.optimizers.hessian import HISTORY, InverseHessian, dot
from painter.optimizers.optimizer import Optimizer
from painter.options.catalog import Options

_SUFFICIENT: Final = 1e-4
_TRIALS_MOST: Final = 20
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
        self._hessian = self._nothing_known(canvas)
        self._line: _Line | None = None

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
        if self._line is None:
            return self._set_out(loss, gradient)
        line = self._line
        expected_there = dot(self._trial - line.start, line.gradient)
        sound = self._soundness.of(loss, gradient)
        trial_loss, expected, is_sound, downhill, counts = read(
            loss, expected_there, sound, line.slope, self._hessian.newest_counts
        )
        self._hessian.settle(bool(counts))
        if not downhill < 0:
            return self._set_out_anew(line)
        if is_sound and self._is_lower(trial_loss, line.loss, expected):
            step, change = self._trial - line.start, gradient - line.gradient
            del line  # its canvases are large, and not needed to find the next one
            self._line = None
            self._hessian.learn(step, change)
            self._search_from(self._trial, trial_loss, gradient)
            return True
        if is_sound:
            line.length *= _shrink(line.loss, expected, trial_loss)
        else:
            line.length /= 10
        line.trials += 1
        if line.trials == _TRIALS_MOST:
            return self._set_out_anew(line)
        self._trial = line.trial()
        return True

    def _set_out(self, measured: Tensor, gradient: Tensor) -> bool:
        """The first evaluation, which there is nothing to compare with."""
        direction, slope = self._hessian.direction(self._trial, gradient)
        loss, downhill = read(measured, slope)
        self._line = _Line(self._trial, loss, gradient, direction, slope)
        self._trial = self._line.trial()
        return downhill < 0

    def _set_out_anew(self, line: _Line) -> bool:
        """Along the gradient alone, from where a line began; False where that was so already."""
        if not self._hessian.pairs:
            return False
        self._hessian = self._nothing_known(line.start)
        self._search_from(line.start, line.loss, line.gradient)
        return True

    def _nothing_known(self, canvas: Tensor) -> InverseHessian:
        return InverseHessian(canvas, Curvature(canvas))

    def _search_from(self, canvas: Tensor, loss: float, gradient: Tensor) -> None:
        self._line = _Line(canvas, loss, gradient, *self._hessian.direction(canvas, gradient))
        self._trial = self._line.trial()

    def _is_lower(self, trial_loss: float, loss: float, expected: float) -> bool:
        """Whether a trial goes down by enough of what is expected of the slope (Armijo)."""
        allowed = loss + self._rounding * abs(loss)
        return expected < 0 and trial_loss <= allowed + _SUFFICIENT * expected


@dataclass(slots=True)
class _Line:
    """A canvas that was reached, and where the search goes from there.

    Trials come nearer to the start until one is low enough.
    """

    start: Tensor
    loss: float
    gradient: Tensor
    direction: Tensor
    slope: Tensor
    length: float = 1.0
    trials: int = 0

    def trial(self) -> Tensor:
        """The canvas that far along the line, brought into the box."""
        return (self.start + self.length * self.direction).clamp_(0, 1)


def _shrink(loss: float, expected: float, trial_loss: float) -> float:
    """The minimum of the parabola through what is known, kept between a tenth and a half."""
    curvature = trial_loss - loss - expected
    if curvature <= 0 or expected >= 0:
        return 0.5
    return min(0.5, max(0.1, -expected / (2 * curvature)))
