"""Mean and Gram matrix of features: what two losses compare, and how it is gathered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

import torch
from torch import Tensor

from painter.device.fusing import Fused
from painter.losses.style_loss import MeansGradient, StyleLoss, rows_of

# Sums over positions run in float32 over products of the trunk's own type, in pieces, since the
# product of bfloat16 matrices is rounded to bfloat16: eight pieces at least, of this many positions
# at most.
_PIECES_LEAST: Final = 8
_PIECE_MOST: Final = 1024
# Of so few positions the products of pieces are more than all that they are made of: a product in
# float32 takes less time, and is exact.
_POSITIONS_FEW: Final = 512


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over the positions of one layer's features: of 1, of f and of f fᵀ.

    `count` is a number, or a scalar (the sum of the weights) where positions are weighted; `first`
    is [C], or None where it is not needed, and `second` is [C, C]. Sums of disjoint sets of
    positions add up.
    """

    count: Tensor | float
    first: Tensor | None
    second: Tensor

    def __add__(self, other: Moments) -> Moments:
        first = None
        if self.first is not None and other.first is not None:
            first = self.first + other.first
        return Moments(self.count + other.count, first, self.second + other.second)

    @property
    def mean(self) -> Tensor:
        """The mean feature [C]."""
        assert self.first is not None
        return self.first / self.count

    @property
    def means(self) -> tuple[Tensor, ...]:
        """The mean feature [C] and the Gram matrix per position [C, C]."""
        return self.mean, self.gram

    @property
    def gram(self) -> Tensor:
        """The Gram matrix per position [C, C]."""
        return self.second / self.count


def moments(features: Tensor, weights: Tensor | None = None, with_first: bool = True) -> Moments:
    """Sums over the positions of features [C, H, W], weighted by weights [H, W] if given.

    `with_first` is False where the Gram matrix alone is needed.
    """
    rows = rows_of(features)
    weighted = rows if weights is None else rows * weights.reshape(-1, 1).to(rows.dtype)
    kind = torch.promote_types(features.dtype, torch.float32)
    count = float(len(rows)) if weights is None else weights.sum(dtype=kind)
    first = weighted.sum(0, dtype=kind) if with_first else None
    return Moments(count, first, _outer_sum(weighted, rows, kind))


def moments_gradient(
    features: Tensor,
    statistics: Moments,
    to_means: MeansGradient,
    weights: Tensor | None,
    onto: Tensor | None,
) -> Tensor:
    """The gradient with respect to features [C, h, w] of a loss of their moments.

    It is added to `onto`, which is used up. d(f fᵀ)/df is symmetric, so the product carries a
    factor of two.
    """
    kind = features.dtype
    rows = rows_of(features)
    to_mean, to_gram = to_means.values
    assert to_gram is not None
    matrix: Tensor
    if isinstance(statistics.count, float):
        matrix = SCALED(to_gram, to_means.scale, statistics.count, kind)
    else:
        matrix = _scale(to_gram, to_means.scale, statistics.count, kind)
    if onto is not None and weights is None:
        gradient = rows_of(onto).addmm_(rows, matrix)
    else:
        gradient = rows @ matrix
    if to_mean is not None:
        gradient += (to_mean * (to_means.scale / statistics.count)).to(kind)
    if weights is not None:
        gradient *= weights.reshape(-1, 1).to(kind)
        gradient = gradient if onto is None else gradient.add_(rows_of(onto))
    return gradient.view(*features.shape[1:], features.shape[0]).permute(2, 0, 1)


def _scale(to_gram: Tensor, scale: Tensor, positions: Tensor | float, kind: torch.dtype) -> Tensor:
    return (to_gram * (scale * 2 / positions)).to(kind)


def _launch_scaled(to_gram: Tensor, scale: Tensor, positions: float, kind: torch.dtype) -> Tensor:
    from painter.losses import kernels

    found, block = _shape_scaled(to_gram, scale, positions, kind), kernels.MATRIX_BLOCK
    given = (to_gram.contiguous(), scale, found, positions, found.numel(), block)
    kernels.scaled[(-(-found.numel() // block),)](*given)
    return found


def _shape_scaled(to_gram: Tensor, scale: Tensor, positions: float, kind: torch.dtype) -> Tensor:
    return torch.empty(to_gram.shape, dtype=kind, device=to_gram.device)


def _samples_scaled(
    device: torch.device, dtype: torch.dtype
) -> Iterator[tuple[Tensor, Tensor, float, torch.dtype]]:
    yield torch.randn(48, 48, device=device), torch.ones((), device=device), 30.0, dtype


SCALED: Final = Fused(
    "scaled(Tensor to_gram, Tensor scale, float positions, ScalarType kind) -> Tensor",
    _scale,
    _launch_scaled,
    _shape_scaled,
    _samples_scaled,
)


def _outer_sum(left: Tensor, right: Tensor, kind: torch.dtype) -> Tensor:
    if left.is_cuda and left.dtype != kind:
        return _outer_sum_on_cuda(left, right, kind)
    if left.dtype == kind or len(left) <= _POSITIONS_FEW:
        return left.T.to(kind) @ right.to(kind)
    piece = min(_PIECE_MOST, 1 << max(0, (len(left) // _PIECES_LEAST).bit_length() - 1))
    whole = len(left) // piece * piece
    pieces = (whole // piece, piece, -1)
    products = torch.bmm(left[:whole].view(pieces).transpose(1, 2), right[:whole].view(pieces))
    return products.sum(0, dtype=kind) + left[whole:].to(kind).T @ right[whole:].to(kind)


def _outer_sum_on_cuda(left: Tensor, right: Tensor, kind: torch.dtype) -> Tensor:
    """Products that are not rounded: a covariance of rounded ones may have no root."""
    piece = _piece_of(len(left))
    whole = len(left) // piece * piece
    pieces = (whole // piece, piece, -1)
    of_left, of_right = left[:whole].view(pieces).transpose(1, 2), right[:whole].view(pieces)
    found: Tensor = torch.bmm(of_left, of_right, out_dtype=kind).sum(0)
    if whole < len(left):
        found += torch.mm(left[whole:].T, right[whole:], out_dtype=kind)
    return found


def _piece_of(positions: int) -> int:
    """How many positions a piece has: few enough for eight, and if possible with none left over."""
    most = max(1, min(_PIECE_MOST, positions // _PIECES_LEAST))
    whole = (size for size in range(most, most // 8, -1) if positions % size == 0)
    return next(whole, most)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OfMoments(StyleLoss[Moments, T]):
    """A loss of mean and Gram matrix, whose gradient with respect to features is a product."""

    @property
    def kind(self) -> str:
        return "moments"

    def of_style(self, features: Tensor, weights: Tensor | None) -> Moments:
        return moments(features, weights)

    def gradient(
        self,
        features: Tensor,
        statistics: Moments,
        to_means: MeansGradient,
        weights: Tensor | None = None,
        onto: Tensor | None = None,
    ) -> Tensor:
        return moments_gradient(features, statistics, to_means, weights, onto)
