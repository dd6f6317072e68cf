"""Square roots of covariances, by eigenvalues and by products, against each other."""

from __future__ import annotations

import pytest
import torch

from networks import noise
from painter.losses.roots import roots, slim_root


def _covariance(size, rank, decay):
    """Of a rank, with eigenvalues that fall over so many powers of ten."""
    rows = (noise(size, rank) - 0.5) * torch.logspace(0, -decay / 2, rank, dtype=torch.float64)
    return rows @ rows.T / rank


@pytest.mark.parametrize("rank", [64, 7])
def test_roots_by_products_are_those_of_the_eigenvalues(rank):
    matrix = _covariance(64, rank, 4) + 1e-6 * torch.eye(64).double()
    root, inverse = roots(matrix)
    torch.testing.assert_close(root @ root, matrix, rtol=0, atol=1e-12)
    torch.testing.assert_close(inverse @ root, torch.eye(64).double(), rtol=0, atol=1e-6)


def test_eigenvalues_below_what_the_iteration_is_made_for_stay_finite():
    matrix = _covariance(64, 5, 3)  # most of its eigenvalues are 0
    root, inverse = roots(matrix)
    assert torch.isfinite(inverse).all()
    torch.testing.assert_close(root @ root, matrix, rtol=0, atol=1e-6)


def test_a_slim_root_has_the_rank_of_its_matrix():
    matrix = _covariance(32, 5, 2)
    root = slim_root(matrix)
    assert root.shape == (32, 5)
    torch.testing.assert_close(root @ root.T, matrix, rtol=0, atol=1e-12)
