"""How far neighborhoods of one picture are from their nearest in another, both ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

# Of a table of distances so many rows are there at once.
_ROWS: Final = 128

Distances = Callable[[Tensor, Tensor], Tensor]


def centered_cosine(painting: Tensor, style: Tensor) -> tuple[float, float]:
    """Mean of 1 - cosine of rows [N, C] and [M, C] to their nearest, each set less its mean.

    From 0 to 2: of the painting's rows to the style's, and of the style's to the painting's, which
    tells what of the style was missed. The distance that Neural Neighbor Style Transfer matches by
    (Kolkin et al. 2022), in a network that it does not use.
    """
    return _both_ways(_cosine, *map(_directions, (painting, style)))


def root_mean_square(painting: Tensor, style: Tensor) -> tuple[float, float]:
    """Rows [N, C] and [M, C] to their nearest: differences of their values, as a deviation."""
    nearer, missed = _both_ways(_squares, painting, style)
    values = painting.shape[1]
    return (nearer / values) ** 0.5, (missed / values) ** 0.5


def _both_ways(distances: Distances, one: Tensor, other: Tensor) -> tuple[float, float]:
    # Rounding may bring a distance below nothing.
    least = torch.full((len(other),), float("inf"), dtype=one.dtype)
    total = 0.0
    for rows in torch.split(one, _ROWS):
        table = distances(rows, other)
        total += float(table.amin(1).clamp_(min=0).double().sum())
        least = torch.minimum(least, table.amin(0))
    return total / len(one), float(least.clamp_(min=0).double().mean())


def _directions(rows: Tensor) -> Tensor:
    centered = rows - rows.mean(0)
    lengths = torch.linalg.vector_norm(centered, dim=1, keepdim=True)
    return torch.div(centered, lengths.clamp(min=1e-12))


def _cosine(rows: Tensor, other: Tensor) -> Tensor:
    return torch.addmm(torch.ones((), dtype=rows.dtype), rows, other.T, alpha=-1)


def _squares(rows: Tensor, other: Tensor) -> Tensor:
    norms = rows.square().sum(1, keepdim=True) + other.square().sum(1)
    return torch.addmm(norms, rows, other.T, alpha=-2)
