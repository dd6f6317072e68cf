"""Every loss and gradient against float64 autograd of the formula, or a closed form."""

from __future__ import annotations

import pytest
import torch

from networks import noise
from painter.losses import style as losses
from painter.losses.style import (
    content_loss,
    energy,
    gram_loss,
    moments,
    regularized_target,
    style_gradient,
    style_target,
    variation,
    wasserstein_loss,
)


def _weights(weighted):
    return noise(9, 7, seed=5) if weighted else None


def _means(features, weights):
    rows = features.flatten(1)
    shares = torch.ones(rows.shape[1], dtype=rows.dtype) if weights is None else weights.flatten()
    shares = shares / shares.sum()
    return (rows * shares).sum(1), (rows * shares) @ rows.T


@pytest.mark.parametrize("weighted", [False, True])
def test_gram_loss_is_the_relative_distance_of_gram_matrices(weighted):
    features = (noise(6, 9, 7) - 0.5).requires_grad_()
    weights = _weights(weighted)
    mean, gram = _means(noise(6, 5, 4, seed=1) - 0.3, None)
    expected = (_means(features, weights)[1] - gram).square().sum() / gram.square().sum()
    expected.backward()
    own = moments(features.detach(), weights)
    loss, pull = gram_loss(own, style_target(mean, gram, "gram"))
    gradient = style_gradient(features.detach(), own, pull, weights)
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, features.grad, rtol=1e-10, atol=1e-14)


def _wasserstein(features, weights, mean, gram):
    own_mean, own_gram = _means(features, weights)
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
    weights = _weights(weighted)
    mean, gram = _means(noise(6, 5, 4, seed=1) - 0.3, None)
    expected = _wasserstein(features, weights, mean, gram)
    expected.backward()
    own = moments(features.detach(), weights)
    loss, pull = wasserstein_loss(own, style_target(mean, gram, "wasserstein"))
    gradient = style_gradient(features.detach(), own, pull, weights)
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(gradient, features.grad, rtol=1e-8, atol=1e-12)


def test_wasserstein_of_scaled_gaussians_has_its_closed_form():
    features = noise(5, 40, 30) - 0.5
    mean, gram = _means(features, None)
    target = style_target(2 * mean, 4 * gram, "wasserstein")
    covariance = gram - torch.outer(mean, mean)
    # W2² of N(μ, Σ) and N(2μ, 4Σ) is ‖μ‖² + tr Σ.
    expected = (mean.square().sum() + covariance.trace()) / (4 * gram.trace())
    loss, _ = wasserstein_loss(moments(features), target)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=0)


def test_wasserstein_with_fewer_positions_than_features_stays_finite():
    features = noise(16, 2, 3) - 0.5
    mean, gram = _means(noise(16, 9, 9, seed=2), None)
    own = moments(features)
    loss, pull = wasserstein_loss(own, style_target(mean, gram, "wasserstein"))
    assert torch.isfinite(loss)
    assert torch.isfinite(style_gradient(features, own, pull)).all()


def test_wasserstein_of_nearly_equal_styles_is_not_negative():
    features = (noise(64, 40, 40) * 300).float()
    own = moments(features)
    target = style_target(own.mean, own.gram * (1 + 1e-7), "wasserstein")
    assert float(wasserstein_loss(own, target)[0]) >= 0


def test_a_matrix_that_float32_cannot_decompose_is_decomposed(monkeypatch):
    real = torch.linalg.eigh

    def fails_in_float32(matrix):
        if matrix.dtype == torch.float32:
            raise torch.linalg.LinAlgError("failed to converge")
        return real(matrix)

    own = moments((noise(8, 9, 9) - 0.5).float())
    expected, _ = wasserstein_loss(own, style_target(own.mean, own.gram * 2, "wasserstein"))
    monkeypatch.setattr(torch.linalg, "eigh", fails_in_float32)
    found, _ = wasserstein_loss(own, style_target(own.mean, own.gram * 2, "wasserstein"))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("positions", [(3, 3), (40, 40)], ids=["few", "many"])
def test_roots_by_products_give_the_loss_that_eigenvalues_give(positions):
    features = noise(24, *positions, seed=3) - 0.3
    mean, gram = _means(noise(24, 9, 9, seed=2) - 0.2, None)
    own = moments(features)
    expected, pull = wasserstein_loss(own, style_target(mean, gram, "wasserstein"))
    found, other = wasserstein_loss(own, regularized_target(mean, gram))
    # What is added to the diagonals changes a little: they agree where both have all ranks.
    torch.testing.assert_close(found, expected, rtol=2e-2, atol=0)
    gradients = [style_gradient(features, own, each) for each in (pull, other)]
    error = float((gradients[1] - gradients[0]).norm() / gradients[0].norm())
    assert error < 2e-2


def test_what_roots_by_products_add_changes_nothing_where_styles_agree():
    own = moments(noise(16, 3, 3) - 0.3)
    loss, pull = wasserstein_loss(own, regularized_target(own.mean, own.gram))
    assert float(loss) < 1e-9
    assert float((pull.second * pull.scale).abs().max()) < 1e-4


@pytest.mark.parametrize("kind", [float("nan"), float("inf")], ids=str)
@pytest.mark.parametrize("target", [style_target, regularized_target], ids=lambda f: f.__name__)
def test_features_that_are_not_finite_give_a_loss_that_is_not(kind, target):
    mean, gram = _means(noise(6, 9, 9, seed=2), None)
    made = target(mean, gram) if target is regularized_target else target(mean, gram, "wasserstein")
    features = noise(6, 5, 5)
    features[2, 3, 3] = kind
    loss, _ = wasserstein_loss(moments(features), made)
    assert not torch.isfinite(loss)


def test_moments_of_parts_add_up_to_those_of_the_whole():
    features, weights = noise(4, 10, 8), noise(10, 8, seed=3)
    whole = moments(features, weights)
    parts = moments(features[:, :6], weights[:6]) + moments(features[:, 6:], weights[6:])
    for name in ("count", "first", "second"):
        torch.testing.assert_close(getattr(parts, name), getattr(whole, name))


def test_bfloat16_statistics_are_summed_in_float32():
    features = noise(32, 96, 96) - 0.4
    rounded = features.to(torch.bfloat16)
    exact = moments(rounded.double()).second
    found = moments(rounded).second
    assert found.dtype == torch.float32
    assert float((found.double() - exact).norm() / exact.norm()) < 1e-3


@pytest.mark.parametrize("weighted", [False, True])
def test_content_loss_is_the_relative_distance_of_features(weighted):
    features = (noise(6, 9, 7) - 0.5).requires_grad_()
    target, weights = noise(6, 9, 7, seed=1), _weights(weighted)
    shares = 1 if weights is None else weights
    expected = (shares * (features - target).square()).sum() / (shares * target.square()).sum()
    expected.backward()
    loss, gradient = content_loss(features.detach(), target, energy(target, weights), weights)
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-12, atol=0)
    torch.testing.assert_close(gradient, features.grad, rtol=1e-10, atol=1e-14)


def test_a_floor_keeps_a_style_without_features_from_dividing_by_nothing():
    flat = torch.zeros(4, 4, dtype=torch.float64)
    loss, _ = gram_loss(moments(noise(4, 3, 3)), style_target(flat[0], flat, "gram", 1.0))
    assert 0 < float(loss) < 10


@pytest.mark.parametrize("band", [1, 4, 10, 256])
def test_variation_is_per_pixel_and_its_gradient_is_that_of_autograd(monkeypatch, band):
    monkeypatch.setattr(losses, "_BAND_PIXELS", 13 * band)
    canvas = noise(3, 11, 13).requires_grad_()
    down = (canvas[:, 1:] - canvas[:, :-1]).square().sum()
    right = (canvas[:, :, 1:] - canvas[:, :, :-1]).square().sum()
    expected = (down + right) / (11 * 13)
    (3 * expected).backward()
    torch.testing.assert_close(variation(canvas.detach()), expected.detach())
    gradient = torch.zeros_like(canvas)
    variation(canvas.detach(), gradient, 3)
    torch.testing.assert_close(gradient, canvas.grad)
