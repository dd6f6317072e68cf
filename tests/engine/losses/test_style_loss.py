"""What every style loss has in common: its gradients, parts that add up, a name as an option."""

from __future__ import annotations

import pytest
import torch

from networks import noise
from painter.losses.catalog import CONTENT_LOSSES, STYLE_LOSSES
from painter.losses.style_loss import StyleLoss
from painter.options.catalog import SPECS

CPU = torch.device("cpu")
OF_MOMENTS = ["gram", "wasserstein"]


@pytest.fixture(params=STYLE_LOSSES)
def loss(request):
    """Each of the losses, at a layer of six features."""
    return STYLE_LOSSES[request.param].at(0.1, 6, CPU)


def _compared(loss, features, weights=None):
    style = loss.of_style(noise(6, 20, 20, seed=1) - 0.3, None)
    own = loss.of_canvas(features, weights)
    return own, *loss.compare(own, loss.target(style.means))


def test_the_option_names_every_loss():
    assert SPECS["style_loss"].choices == (*STYLE_LOSSES, "neighbors", "relaxed_transport")
    assert SPECS["content_loss"].choices == (*CONTENT_LOSSES, "self_similarity")


@pytest.mark.parametrize("name", OF_MOMENTS)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_gradient_in_closed_form_is_that_of_autograd(name, weighted):
    loss = STYLE_LOSSES[name].at(0.1, 6, CPU)
    features = noise(6, 9, 7) - 0.5
    weights = noise(9, 7, seed=5) if weighted else None
    own, _, to_means = _compared(loss, features, weights)
    onto = noise(6, 9, 7, seed=8)
    expected = StyleLoss.gradient(loss, features, own, to_means, weights, onto.clone())
    found = loss.gradient(features, own, to_means, weights, onto.clone())
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-13)


def test_gradients_are_added_to_what_is_there(loss):
    features, onto = noise(6, 9, 7) - 0.5, noise(6, 9, 7, seed=8)
    own, _, to_means = _compared(loss, features)
    alone = loss.gradient(features, own, to_means)
    both = loss.gradient(features, own, to_means, None, onto.clone())
    torch.testing.assert_close(both, onto + alone)


def test_parts_have_the_gradient_of_the_whole(loss):
    features = noise(6, 20, 7) - 0.5
    own, value, to_means = _compared(loss, features)
    parts = loss.of_canvas(features[:, :6], None) + loss.of_canvas(features[:, 6:], None)
    style = loss.of_style(noise(6, 20, 20, seed=1) - 0.3, None)
    found, to_both = loss.compare(parts, loss.target(style.means))
    torch.testing.assert_close(found, value, rtol=1e-10, atol=1e-12)
    whole = loss.gradient(features, own, to_means)
    halves = [loss.gradient(part, parts, to_both) for part in (features[:, :6], features[:, 6:])]
    torch.testing.assert_close(torch.cat(halves, 1), whole, rtol=1e-8, atol=1e-12)


def test_no_features_at_all_are_at_a_distance_of_about_1(loss):
    _, value, _ = _compared(loss, torch.zeros(6, 9, 9, dtype=torch.float64))
    assert float(value) == pytest.approx(1, rel=1e-2)
