"""Mean and covariance of planes, and the map that gives them others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor

# Added to every variance, of a deviation of 0.01: what has less color than that is grain or
# compression, and would become specks.
_RIDGE: Final = 1e-4


class Moments(NamedTuple):
    """A mean [C, 1] and a covariance [C, C], in float64."""

    mean: Tensor
    covariance: Tensor


def moments(planes: Tensor, counts: Tensor | None) -> Moments:
    """Those of planes [C, H, W], of the pixels that count: weights [H, W], None for all."""
    rows = planes.flatten(1).double()
    weights = torch.ones_like(rows[0]) if counts is None else counts.flatten().double()
    mean = (rows @ weights / weights.sum())[:, None]
    rows = rows.sub_(mean) if rows.data_ptr() != planes.data_ptr() else rows - mean
    return Moments(mean, (rows * weights) @ rows.T / weights.sum())


def together(weights: Sequence[float], found: Sequence[Moments]) -> Moments:
    """Those of several pictures as if they were one; the weights sum to 1."""
    mean = torch.stack([weight * one.mean for weight, one in zip(weights, found, strict=True)])
    mean = mean.sum(0)
    covariance = torch.zeros_like(found[0].covariance)
    for weight, one in zip(weights, found, strict=True):
        off = one.mean - mean
        covariance += weight * (one.covariance + off @ off.T)
    return Moments(mean, covariance)


def moved(planes: Tensor, own: Moments, wanted: Moments) -> Tensor:
    """Planes [C, H, W] with other moments, each color as near to where it was as may be.

    The map of optimal transport between two Gaussians, A^-1/2 (A^1/2 B A^1/2)^1/2 A^-1/2: of all
    linear maps with that effect it moves colors least, and turns no hue without need.
    """
    ridge = _RIDGE * torch.eye(len(planes), dtype=torch.float64)
    root = _power(own.covariance + ridge, 0.5)
    inverse = _power(own.covariance + ridge, -0.5)
    transport = inverse @ _power(root @ (wanted.covariance + ridge) @ root, 0.5) @ inverse
    rows = transport.to(planes.dtype) @ (planes.flatten(1) - own.mean.to(planes.dtype))
    return rows.add_(wanted.mean.to(planes.dtype)).reshape(planes.shape)


def _power(covariance: Tensor, exponent: float) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    return torch.matmul(vectors * values.clamp(min=1e-12).pow(exponent), vectors.T)
