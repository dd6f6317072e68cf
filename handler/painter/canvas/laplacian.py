"""A canvas as a Laplacian pyramid: what it has at its own size beyond its halved copy, and so on.

Burt and Adelson 1983; enlarged bilinearly, as in Kolkin et al. 2022.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from painter.canvas.layout import Seamless
from painter.planning.pyramid import Shape

_LEVELS_MOST: Final = 8
_SIDE_LEAST: Final = 8


class Laplacian:
    """The pyramids of canvases [3, H, W] of one shape, the canvas's own size first.

    A canvas is the sum of all its coefficients, each enlarged to its size: any coefficients make
    one. Enlarging is a product with a matrix for each axis, whose transpose is its adjoint, and
    adds in a fixed order on CUDA too.
    """

    def __init__(self, canvas: Tensor, seamless: Seamless) -> None:
        self._shapes = _shapes((canvas.shape[-2], canvas.shape[-1]))
        self._matrices = [
            tuple(
                _enlarging(*lengths).to(canvas)
                for lengths in zip(smaller, larger, seamless, strict=True)
            )
            for larger, smaller in pairwise(self._shapes)
        ]

    def analyzed(self, canvas: Tensor) -> list[Tensor]:
        """The coefficients of a canvas, each [3, h, w]."""
        coefficients = []
        for number, smaller in enumerate(self._shapes[1:]):
            half = F.interpolate(canvas[None], smaller, mode="bilinear", antialias=True)[0]
            coefficients.append(canvas - self._enlarged(half, number))
            canvas = half
        return [*coefficients, canvas.clone()]

    def synthesized(self, coefficients: Sequence[Tensor]) -> Tensor:
        """The canvas of coefficients."""
        *finer, canvas = coefficients
        for number, detail in reversed(list(enumerate(finer))):
            canvas = self._enlarged(canvas, number).add_(detail)
        return canvas

    def adjoint(self, gradient: Tensor) -> list[Tensor]:
        """What a gradient at the canvas is at its coefficients; the first is the same tensor."""
        gradients = [gradient]
        for down, across in self._matrices:
            gradients.append(down.T @ gradients[-1] @ across)
        return gradients

    def _enlarged(self, half: Tensor, number: int) -> Tensor:
        down, across = self._matrices[number]
        return down @ half @ across.T


def _shapes(shape: Shape) -> list[Shape]:
    shapes = [shape]
    while len(shapes) < _LEVELS_MOST and min(shapes[-1]) >= 2 * _SIDE_LEAST:
        height, width = shapes[-1]
        shapes.append(((height + 1) // 2, (width + 1) // 2))
    return shapes


def _enlarging(length: int, larger: int, goes_on: bool) -> Tensor:
    """What enlarges one axis bilinearly: [larger, length], on the CPU."""
    places = (torch.arange(larger, dtype=torch.float64) + 0.5) * (length / larger) - 0.5
    low = places.floor().long()
    share = places - low
    matrix = torch.zeros(larger, length, dtype=torch.float64)
    rows = torch.arange(larger)
    for at, weight in ((low, 1 - share), (low + 1, share)):
        column = at % length if goes_on else at.clamp(0, length - 1)
        matrix.index_put_((rows, column), weight, accumulate=True)
    return matrix
