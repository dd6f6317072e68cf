"""Sliced Wasserstein against sorting, against finite differences, and over tiles."""

from __future__ import annotations

import pytest
import torch

from networks import noise
from painter.losses.sliced import Sliced
from painter.losses.style_loss import StyleLoss

CPU = torch.device("cpu")
ENERGY = 0.08  # about that of the features below


def _features(height=40, width=30, seed=0, scale=1.0):
    """Features [6, h, w] that lean to one side and depend on each other, as a layer's do."""
    rows = noise(6, height, width, seed=seed)
    return (rows - 0.4 + 0.5 * rows.roll(1, 0) ** 2) * scale


def _loss(channels=6, energy=ENERGY):
    return Sliced.at(energy, channels, CPU)


def _sorted_distance(features, style, directions):
    """Heitz et al. 2021, eq. 3: sorted values of both, by the quantiles of the finer one."""
    own, other = (each.flatten(1).T @ directions for each in (features, style))
    own, other = own.sort(0)[0], other.sort(0)[0]
    own = own.repeat_interleave(len(other) // len(own), 0)
    return (own - other).square().mean() / other.square().mean()


@pytest.mark.parametrize("scale", [1.0, 3.0, 0.3])
def test_the_loss_is_that_of_sorted_values(scale):
    loss, features, style = _loss(), _features(scale=scale), _features(80, 60, seed=1)
    expected = _sorted_distance(features, style, loss.directions)
    target = loss.target(loss.of_style(style, None).means)
    found, _ = loss.compare(loss.of_canvas(features, None), target)
    torch.testing.assert_close(found, expected, rtol=2e-2, atol=1e-4)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_the_gradient_is_nearly_that_of_sorted_values(scale):
    loss, features = _loss(), _features(scale=scale).requires_grad_()
    style = _features(80, 60, seed=1)
    _sorted_distance(features, style, loss.directions).backward()
    found = _gradient(loss, features.detach(), style)
    error = (found - features.grad).norm() / features.grad.norm()
    # Where the two nearly agree, little is left beside what the bins round.
    assert float(error) < (0.3 if scale == 1 else 0.02)


def _gradient(loss, features, style, weights=None):
    target = loss.target(loss.of_style(style, None).means)
    own = loss.of_canvas(features, weights)
    _, to_means = loss.compare(own, target)
    return loss.gradient(features, own, to_means, weights)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_is_what_the_loss_changes_by(weighted):
    loss, style = _loss(), _features(20, 20, seed=1, scale=1.5)
    weights = noise(40, 30, seed=5) if weighted else None
    features, towards = _features(), noise(6, 40, 30, seed=7) - 0.5
    target = loss.target(loss.of_style(style, None).means)
    step = 1e-4

    def at(place):
        return loss.compare(loss.of_canvas(features + place * towards, weights), target)[0]

    changed = float(at(step) - at(-step)) / (2 * step)
    expected = float((_gradient(loss, features, style, weights) * towards).sum())
    assert changed == pytest.approx(expected, rel=2e-2)


def test_statistics_of_tiles_add_up_exactly():
    loss, features, weights = _loss(), _features(), noise(40, 30, seed=3)
    whole = loss.of_canvas(features, weights)
    parts = [loss.of_canvas(features[:, at], weights[at]) for at in (slice(0, 17), slice(17, 40))]
    assert torch.equal((parts[0] + parts[1]).shares, whole.shares)
    assert float(parts[0].count + parts[1].count) == pytest.approx(float(whole.count))


def test_positions_that_do_not_count_are_not_seen():
    loss, features = _loss(), _features()
    weights = torch.zeros(40, 30, dtype=torch.float64)
    weights[:, :11] = 1
    masked, cut = loss.of_canvas(features, weights), loss.of_canvas(features[:, :, :11], None)
    assert torch.equal(masked.shares, cut.shares)
    gradient = _gradient(loss, features, _features(seed=1), weights)
    assert not gradient[:, :, 11:].any()
    assert gradient[:, :, :11].any()


def test_a_style_is_at_no_distance_from_itself():
    loss, features = _loss(), _features()
    own = loss.of_canvas(features, None)
    found, to_means = loss.compare(own, loss.target(own.means))
    assert 0 <= float(found) < 1e-12
    assert not float(to_means.scale) * loss.gradient(features, own, to_means).abs().max() > 1e-2


def test_the_loss_is_1_where_there_are_no_features_and_finite_without_a_style():
    loss, nothing = _loss(), torch.zeros(6, 9, 9, dtype=torch.float64)
    target = loss.target(loss.of_style(_features(), None).means)
    found, _ = loss.compare(loss.of_canvas(nothing, None), target)
    assert float(found) == pytest.approx(1, rel=1e-2)
    flat = loss.target(loss.of_style(nothing, None).means)
    assert 0 < float(loss.compare(loss.of_canvas(_features(), None), flat)[0]) < 1000


@pytest.mark.parametrize("kind", [float("nan"), float("inf")], ids=str)
def test_features_that_are_not_finite_give_a_loss_that_is_not(kind):
    loss, features = _loss(), _features()
    target = loss.target(loss.of_style(features, None).means)
    features[2, 3, 3] = kind
    own = loss.of_canvas(features, None)
    found, to_means = loss.compare(own, target)
    assert not torch.isfinite(found)
    assert loss.gradient(features, own, to_means).shape == features.shape


def test_directions_are_orthonormal_and_always_the_same():
    one, other = (Sliced.at(1.0, 64, CPU).directions for _ in range(2))
    assert torch.equal(one, other)
    torch.testing.assert_close(one.T @ one, torch.eye(64, dtype=torch.float64))


def test_many_positions_are_taken_some_at_a_time(monkeypatch):
    loss, features = _loss(), _features()
    whole, gradient = loss.of_canvas(features, None), _gradient(loss, features, _features(seed=1))
    monkeypatch.setattr("painter.losses.sliced._AT_ONCE", 6 * 70)
    assert torch.equal(loss.of_canvas(features, None).shares, whole.shares)
    torch.testing.assert_close(_gradient(loss, features, _features(seed=1)), gradient)


def test_what_is_asked_in_float32_comes_back_in_it():
    loss, features = _loss(), _features().float()
    found = _gradient(loss, features, _features(seed=1).float())
    assert found.dtype == torch.float32
    expected = _gradient(loss, features.double(), _features(seed=1))
    assert float((found - expected).norm() / expected.norm()) < 1e-2


def test_it_is_a_style_loss():
    assert isinstance(_loss(), StyleLoss)
