"""Neighbors against autograd of their formula, and a search in the plainest way there is."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from networks import noise
from painter.losses import neighbors
from painter.losses.hypercolumns import add_adjoint, columns, grid_of, hypercolumns
from painter.losses.neighbors import TAPS, Neighbors, StyleSet, nearest
from painter.network.layers import stride_of

# Neither is a whole number of the coarsest layer's cells.
HEIGHT, WIDTH = 77, 93
ONE = torch.tensor(1.0, dtype=torch.float64)


def _features(seed=0):
    return {
        tap: noise(8, HEIGHT // stride_of(tap), WIDTH // stride_of(tap), seed=seed + index)
        for index, tap in enumerate(TAPS)
    }


def _reference(features):
    """Hypercolumns [n, D], written down once more."""
    rows, across = HEIGHT // 4, WIDTH // 4
    parts = []
    for tap, values in features.items():
        size = stride_of(tap)
        if size < 4:
            values = F.avg_pool2d(values[None], 4 // size)[0][:, :rows, :across]
        if size > 4:
            down = (torch.arange(rows) * 4 // size).clamp(max=values.shape[1] - 1)
            right = (torch.arange(across) * 4 // size).clamp(max=values.shape[2] - 1)
            values = values[:, down][:, :, right]
        parts.append(values.flatten(1) / len(values))
    return torch.cat(parts).T


def _style():
    return StyleSet.of(noise(50, 80, seed=40) / 8)


def _places():
    return torch.randint(50, (HEIGHT // 4, WIDTH // 4), generator=torch.Generator().manual_seed(3))


def test_hypercolumns_are_averages_and_repetitions():
    torch.testing.assert_close(hypercolumns(_features(), TAPS), _reference(_features()))


@pytest.mark.parametrize("tap", ["relu1_1", "relu2_2", "relu3_1", "relu4_1", "relu5_1"])
def test_the_adjoint_of_columns_is_that_of_autograd(tap):
    features = noise(8, HEIGHT // stride_of(tap), WIDTH // stride_of(tap)).requires_grad_()
    grid = HEIGHT // 4, WIDTH // 4
    found, weights = columns(features, tap, grid), noise(grid[0] * grid[1], 8, seed=2)
    (found * weights).sum().backward()
    onto = torch.ones_like(features).detach()
    add_adjoint(onto, weights, tap, grid)
    torch.testing.assert_close(onto, 1 + features.grad)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("at_once", [60, 4096], ids=["bands", "whole"])
def test_loss_and_gradient_are_those_of_autograd(monkeypatch, at_once, weighted):
    monkeypatch.setattr(neighbors, "_AT_ONCE", at_once)
    features = {tap: values.requires_grad_() for tap, values in _features().items()}
    style, places = _style(), _places()
    weights = noise(*places.shape, seed=5) if weighted else torch.ones(places.shape).double()
    cosines = F.cosine_similarity(_reference(features), style.rows[places.flatten()], dim=1)
    expected = ((1 - cosines) * weights.flatten()).sum() / weights.sum()
    expected.backward()
    plain = {tap: values.detach() for tap, values in features.items()}
    onto = {tap: torch.zeros_like(values) for tap, values in plain.items()}
    given = weights if weighted else None
    total = weights.sum()
    loss = Neighbors().compare(plain, places, style, given, total, 2 * ONE, onto)
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-12, atol=0)
    for tap in TAPS:
        torch.testing.assert_close(onto[tap], 2 * features[tap].grad, rtol=1e-9, atol=1e-15)
    alone = Neighbors().compare(plain, places, style, given, total, ONE, None)
    assert torch.equal(alone, loss)


def test_the_nearest_are_those_of_a_search_in_full(monkeypatch):
    monkeypatch.setattr(neighbors, "_MATCHED_AT_ONCE", 7)
    rows, style = noise(60, 80), _style()
    mean = rows.mean(0)
    mine, theirs = rows - mean, style.rows - style.rows.mean(0)
    cosines = F.cosine_similarity(mine[:, None], theirs[None], dim=2)
    assert torch.equal(nearest(rows, mean, style).long(), cosines.argmax(1))


def test_a_style_of_one_color_and_a_canvas_of_nothing_have_finite_losses():
    style = StyleSet.of(torch.ones(4, 80, dtype=torch.float64))
    nothing = {tap: torch.zeros_like(values) for tap, values in _features().items()}
    rows = hypercolumns(nothing, TAPS)
    places = nearest(rows, rows.mean(0), style).view(grid_of(nothing))
    onto = {tap: torch.zeros_like(values) for tap, values in nothing.items()}
    total = ONE * places.numel()
    loss = Neighbors().compare(nothing, places, style, None, total, ONE, onto)
    assert float(loss) == pytest.approx(1)
    assert 0 < max(float(values.abs().max()) for values in onto.values()) < 1
