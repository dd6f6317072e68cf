"""Descent on the coefficients of the canvas's Laplacian pyramid instead of its pixels.

A coefficient moves many pixels at once, so that large forms are found as fast as fine ones.
"""

from __future__ import annotations

from typing import ClassVar, Final, Self

import torch
from torch import Tensor

from painter.canvas.laplacian import Laplacian
from painter.canvas.layout import seamless_of
from painter.optimizers.hessian import InverseHessian, dot
from painter.optimizers.lbfgs import LBFGS
from painter.optimizers.moments import EPSILON_BY_PIXELS, MomentDescent, Moments
from painter.options.catalog import Options

# A pixel is moved by the coefficients of all sizes above it, each by so much of the rate.
RATE: Final = 0.4


class PyramidAdam(MomentDescent):
    """Kingma & Ba 2015 on the coefficients; after each step the canvas is brought into the box.

    What lies beyond the box is taken off the finest coefficients. No step on channels is needed:
    the coarsest coefficients are nearly that.
    """

    # The canvas, and a third more each: coefficients, moments, and the gradient at them.
    copies: ClassVar = 7

    def __init__(self, canvas: Tensor, options: Options) -> None:
        super().__init__(canvas, options.learning_rate * RATE)
        self._laplacian = Laplacian(canvas, seamless_of(options))
        self._coefficients = self._laplacian.analyzed(canvas)
        self._moments = [Moments.none_of(each) for each in self._coefficients]

    @classmethod
    def begin(
        cls, canvas: Tensor, options: Options, dtype: torch.dtype, before: Self | None
    ) -> Self:
        """With nothing of the level before: its coefficients were others."""
        return cls(canvas, options)

    def _learn(self, gradient: Tensor, sound: Tensor) -> list[Moments]:
        pairs = zip(self._moments, self._laplacian.adjoint(gradient), strict=True)
        self._moments = [moments.learn(each, sound) for moments, each in pairs]
        return self._moments

    def _move(self, rate: Tensor) -> None:
        for coefficients, moments in zip(self._coefficients, self._moments, strict=True):
            pixels = coefficients.shape[-2] * coefficients.shape[-1]
            coefficients.sub_(moments.direction(EPSILON_BY_PIXELS / pixels).mul_(rate))
        free = self._laplacian.synthesized(self._coefficients)
        torch.clamp(free, 0, 1, out=self._canvas)
        self._coefficients[0].add_(self._canvas - free)


class PyramidLBFGS(LBFGS):
    """L-BFGS on the coefficients: with S what makes a canvas of them, its first guess is S Sᵀ.

    To descend on coefficients with a multiple of the identity for a guess, as the textbook has it,
    and on pixels with that multiple of S Sᵀ is the same; there the box is where it was.
    """

    def __init__(
        self, canvas: Tensor, options: Options, dtype: torch.dtype = torch.float64
    ) -> None:
        self._laplacian = Laplacian(canvas, seamless_of(options))
        super().__init__(canvas, dtype)

    @classmethod
    def begin(
        cls, canvas: Tensor, options: Options, dtype: torch.dtype, before: Self | None
    ) -> Self:
        """With nothing of the level before: its pairs tell of another canvas."""
        return cls(canvas, options, dtype)

    def _nothing_known(self, canvas: Tensor) -> InverseHessian:
        return InverseHessian(canvas, _Broadness(self._laplacian, canvas))


class _Broadness:
    """γ S Sᵀ, scaled by the newest pair as Nocedal & Wright 2006, eq. 7.20, scale the identity."""

    def __init__(self, laplacian: Laplacian, canvas: Tensor) -> None:
        self._laplacian = laplacian
        self._scale = torch.ones((), dtype=torch.float64, device=canvas.device)

    def learn(self, step: Tensor, change: Tensor, product: Tensor) -> None:
        """Takes in a pair of differences whose product stepᵀchange is positive; a scalar."""
        scale = product / dot(change, self._broadened(change))
        self._scale = torch.where(product > 0, scale, self._scale)

    def inverse_times(self, vector: Tensor) -> Tensor:
        """The guess times a vector [C, H, W]."""
        return self._broadened(vector).mul_(self._scale)

    def _broadened(self, vector: Tensor) -> Tensor:
        return self._laplacian.synthesized(self._laplacian.adjoint(vector))
