"""The terms of a total: their order, their weights, and how they are told."""

from __future__ import annotations

import pytest

from painter.losses.terms import Term, terms_of
from painter.options.reading import read_options
from painter.painting.progress import losses_of

MIXED = {
    "content_layers": "conv1_1:3",
    "style_layers": "conv1_1:5,conv2_1:7",
    "style_loss": "gram:2,sliced:3",
}


def test_terms_are_of_every_loss_at_every_layer():
    assert terms_of(read_options(MIXED)) == {
        Term("content", "l2", "conv1_1"): 3,
        Term("style", "gram", "conv1_1"): 10,
        Term("style", "gram", "conv2_1"): 14,
        Term("style", "sliced", "conv1_1"): 15,
        Term("style", "sliced", "conv2_1"): 21,
    }


def test_losses_that_are_mixed_are_told_by_layer_with_their_weights():
    options = read_options(MIXED)
    losses = losses_of(options, [0.5, 0.1, 0.2, 0.3, 0.4, 9.0])
    assert losses.content_by_layer == {"conv1_1": 0.5}
    assert losses.style_by_layer == pytest.approx({"conv1_1": 1.1, "conv2_1": 1.6})
    assert losses.style == pytest.approx(5 * 1.1 + 7 * 1.6)
    assert losses.total == pytest.approx(1.5 + options.beta * losses.style + options.tv * 9)
