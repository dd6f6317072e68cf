"""Wasserstein-2 against an eigen decomposition, closed forms, and roots by products."""

from __future__ import annotations

import pytest
import torch

from networks import noise
from painter.losses.moments import moments
from painter.losses.wasserstein import Wasserstein
from statistics_of import means_of

LOSS = Wasserstein(0.0)


@pytest.fixture
def products(monkeypatch):
    """Roots by products alone, as on CUDA."""
    monkeypatch.setattr("painter.losses.wasserstein.needs_products", lambda gram: True)


def _compare(own, means):
    return LOSS.compare(own, LOSS.target(means))


def _wasserstein(features, weights, mean, gram):
    own_mean, own_gram = means_of(features, weights)
    covariance = own_gram - torch.outer(own_mean, own_mean)
    target = gram - torch.outer(mean, mean)
    values, vectors = torch.linalg.eigh(target)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ covariance @ root).clamp(min=1e-30).sqrt().sum()
    squared = (own_mean - mean).square().sum() + covariance.trace() + target.trace() - 2 * cross
    return squared / gram.trace()


@pytest.mark.parametrize("weighted", [False, True])
def test_wasserstein_loss_is_that_of_an_eigen_decomposition(weighted):
    features = (noise(6, 9, 7) - 0.5).requires_grad_()
    weights = noise(9, 7, seed=5) if weighted else None
    mean, gram = means_of(noise(6, 5, 4, seed=1) - 0.3)
    expected = _wasserstein(features, weights, mean, gram)
    expected.backward()
    own = moments(features.detach(), weights)
    loss, to_means = _compare(own, (mean, gram))
    gradient = LOSS.gradient(features.detach(), own, to_means, weights)
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(gradient, features.grad, rtol=1e-8, atol=1e-12)


def test_wasserstein_of_scaled_gaussians_has_its_closed_form():
    features = noise(5, 40, 30) - 0.5
    mean, gram = means_of(features)
    means = (2 * mean, 4 * gram)
    covariance = gram - torch.outer(mean, mean)
    # W2² of N(μ, Σ) and N(2μ, 4Σ) is ‖μ‖² + tr Σ.
    expected = (mean.square().sum() + covariance.trace()) / (4 * gram.trace())
    loss, _ = _compare(moments(features), means)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=0)


def test_wasserstein_with_fewer_positions_than_features_stays_finite():
    features = noise(16, 2, 3) - 0.5
    mean, gram = means_of(noise(16, 9, 9, seed=2))
    own = moments(features)
    loss, to_means = _compare(own, (mean, gram))
    assert torch.isfinite(loss)
    assert torch.isfinite(LOSS.gradient(features, own, to_means)).all()


def test_wasserstein_of_nearly_equal_styles_is_not_negative():
    features = (noise(64, 40, 40) * 300).float()
    own = moments(features)
    means = (own.mean, own.gram * (1 + 1e-7))
    assert float(_compare(own, means)[0]) >= 0


def test_a_matrix_that_float32_cannot_decompose_is_decomposed(monkeypatch):
    real = torch.linalg.eigh

    def fails_in_float32(matrix):
        if matrix.dtype == torch.float32:
            raise torch.linalg.LinAlgError("failed to converge")
        return real(matrix)

    own = moments((noise(8, 9, 9) - 0.5).float())
    expected, _ = _compare(own, (own.mean, own.gram * 2))
    monkeypatch.setattr(torch.linalg, "eigh", fails_in_float32)
    found, _ = _compare(own, (own.mean, own.gram * 2))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("positions", [(3, 3), (40, 40)], ids=["few", "many"])
def test_roots_by_products_give_the_loss_that_eigenvalues_give(positions, request):
    features = noise(24, *positions, seed=3) - 0.3
    means = means_of(noise(24, 9, 9, seed=2) - 0.2)
    own = moments(features)
    expected, to_means = _compare(own, means)
    request.getfixturevalue("products")
    found, other = _compare(own, means)
    # What is added to the diagonals changes a little: they agree where both have all ranks.
    torch.testing.assert_close(found, expected, rtol=2e-2, atol=0)
    gradients = [LOSS.gradient(features, own, each) for each in (to_means, other)]
    error = float((gradients[1] - gradients[0]).norm() / gradients[0].norm())
    assert error < 2e-2


@pytest.mark.usefixtures("products")
def test_what_roots_by_products_add_changes_nothing_where_styles_agree():
    own = moments(noise(16, 3, 3) - 0.3)
    loss, to_means = _compare(own, own.means)
    assert float(loss) < 1e-9
    assert float((to_means.values[1] * to_means.scale).abs().max()) < 1e-4


@pytest.mark.parametrize("kind", [float("nan"), float("inf")], ids=str)
@pytest.mark.parametrize("how", ["eigenvalues", "products"])
def test_features_that_are_not_finite_give_a_loss_that_is_not(kind, how, request):
    if how == "products":
        request.getfixturevalue("products")
    features = noise(6, 5, 5)
    features[2, 3, 3] = kind
    loss, _ = _compare(moments(features), means_of(noise(6, 9, 9, seed=2)))
    assert not torch.isfinite(loss)
