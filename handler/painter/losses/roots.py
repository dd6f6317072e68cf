"""Square roots of covariances: by eigenvalues, or in a fixed number of products."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor

# Eigenvalues below this share of the largest count as zero: they are rounding noise.
RANK: Final = 1e-6
# The iteration is made for singular values down to this share of the largest; smaller ones come
# out too small, and never too large.
_LEAST: Final = 1e-7
_CLOSE: Final = 1e-9


def eigh(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues and vectors; what is not finite counts as zero, since LAPACK refuses it.

    Float32 does not converge on some matrices that are mostly zero: float64 does.
    """
    matrix = torch.nan_to_num(matrix, nan=0.0, posinf=0.0, neginf=0.0)
    try:
        values, vectors = torch.linalg.eigh(matrix)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        values, vectors = torch.linalg.eigh(matrix.double())
    return values.to(matrix.dtype), vectors.to(matrix.dtype)


def slim_root(matrix: Tensor) -> Tensor:
    """R [C, rank] with R Rᵀ = matrix [C, C]; what counts as zero is left out."""
    values, vectors = eigh(matrix)
    values = values.clamp(min=0)
    counted = values >= RANK * values[-1]
    return vectors[:, counted] * values[counted].sqrt()


def roots(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """The symmetric root [C, C] of a positive definite matrix, and the root's inverse; float64.

    A coupled Newton-Schulz iteration (Higham 2008, eq. 6.35) with the scaling of Chen & Chow 2014,
    section 4: products of matrices alone, so nothing of it waits for the host or depends on what
    the matrix holds.
    """
    matrix = matrix.double()
    scale = torch.linalg.matrix_norm(matrix)
    identity = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    root, inverse = matrix / scale, identity
    for stretch in _stretches():
        step = (inverse @ root).mul_(-0.5 * stretch**3).add_(identity, alpha=1.5 * stretch)
        root, inverse = root @ step, step @ inverse
    size = scale.sqrt()
    return root * size, inverse / size


def _stretches() -> Iterator[float]:
    """What singular values from `least` to 1 are multiplied by before each step."""
    least = _LEAST
    while least < 1 - _CLOSE:
        stretch = math.sqrt(3 / (1 + least + least**2))
        yield stretch
        least *= stretch * (3 - (stretch * least) ** 2) / 2
    yield 1.0
