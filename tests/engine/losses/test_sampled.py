"""Losses at sampled positions against their formulas written down once more, for autograd."""

from __future__ import annotations

import pytest
import torch

from networks import noise
from painter.losses.neighbors import StyleSet
from painter.losses.sampled import RelaxedTransport, SelfSimilarity


def _cosine_distances(one, other):
    return 1 - torch.stack(
        [
            torch.stack([(a @ b) / (a.square().sum() * b.square().sum()).sqrt() for b in other])
            for a in one
        ]
    )


def _transport(rows, style):
    costs = _cosine_distances(rows, style)
    return torch.maximum(costs.min(1).values.mean(), costs.min(0).values.mean())


def _self_similarity(rows, photo):
    parts = []
    for each in (rows, photo):
        distances = _cosine_distances(each, each)
        parts.append(distances * len(each) / distances.sum(0))
    return (parts[0] - parts[1]).abs().sum() / len(rows) ** 2


# Of the two directions of transport either may be the longer one.
@pytest.mark.parametrize("counts", [(12, 7), (5, 30)])
def test_relaxed_transport_is_that_of_the_paper(counts):
    rows, style = (noise(count, 6, seed=count) for count in counts)
    leaf = rows.clone().requires_grad_()
    expected = _transport(leaf, style)
    expected.backward()
    loss, gradient = RelaxedTransport().compare(rows, StyleSet.of(style))
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(gradient, leaf.grad, rtol=1e-7, atol=1e-10)


def test_both_directions_of_transport_count():
    style = noise(9, 6, seed=1)
    whole, _ = RelaxedTransport().compare(style, StyleSet.of(style))
    part, _ = RelaxedTransport().compare(style[:3], StyleSet.of(style))
    assert float(whole) == pytest.approx(0, abs=1e-12)
    assert float(part) > 0.01


def test_self_similarity_is_that_of_the_paper():
    rows, photo = noise(11, 6), noise(11, 6, seed=2)
    leaf = rows.clone().requires_grad_()
    expected = _self_similarity(leaf, photo)
    expected.backward()
    loss, gradient = SelfSimilarity().compare(rows, photo)
    torch.testing.assert_close(loss, expected.detach(), rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(gradient, leaf.grad, rtol=1e-4, atol=1e-7)


def test_self_similarity_lets_colors_go():
    """Any turn of the space of features keeps it."""
    photo = noise(11, 6) - 0.5
    turned = photo @ torch.linalg.qr(noise(6, 6, seed=3))[0] * 2
    loss, _ = SelfSimilarity().compare(turned, photo)
    assert float(loss) < 1e-6


@pytest.mark.parametrize("loss", [SelfSimilarity(), RelaxedTransport()])
def test_rows_that_are_all_alike_have_finite_losses(loss):
    alike = torch.ones(5, 6, dtype=torch.float64)
    target = alike if isinstance(loss, SelfSimilarity) else StyleSet.of(alike)
    for rows in (alike, alike * 0):
        value, gradient = loss.compare(rows, target)
        assert value.isfinite()
        assert gradient.isfinite().all()
