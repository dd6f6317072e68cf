"""The whole objective: against autograd, tile by tile, and in shared passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from jobs import finish
from networks import noise, random_checkpoint, reference_features, small_vgg
from painter.canvas.layout import CENTERED, Shift, pad, padded_part, unpad_gradient
from painter.evaluation.levels import SHIFTS
from painter.evaluation.passes import View, evaluate
from painter.evaluation.tiled import TiledEvaluation
from painter.options.catalog import Options
from painter.pictures.picture import decode
from painter.planning.plan import make_plan
from painter.preparation.preparation import Preparation
from painter.preparation.style_cache import StyleCache
from pictures import photo, png, request, stripes


def _objective(vgg, **given):
    plan = make_plan(request(**given))
    return finish(Preparation(plan, plan.levels[-1], vgg, StyleCache(2**30)))


LEFT = png([[255] * 32 + [0] * 32] * 48)
RIGHT = png([[0] * 32 + [255] * 32] * 48)


@pytest.mark.parametrize("masks", [{1: LEFT}, {1: LEFT, 2: RIGHT}], ids=["alone", "beside another"])
def test_a_masked_pixel_is_drawn_as_hard_whatever_is_beside_it(masks):
    styles = (stripes(), photo(40, 40))[: len(masks)]
    objective = _objective(small_vgg(), styles=styles, masks=masks)
    assert [region.share for region in objective.regions] == pytest.approx([0.5] * len(masks))


def _canvas(height=48, width=64):
    return noise(3, height, width, seed=9)


def _reference_total(objective, canvas, options, style):
    """The total of the docs, written down once more, for autograd."""
    checkpoint = random_checkpoint()
    features = reference_features(checkpoint, pad(canvas, CENTERED)[None])
    photos = reference_features(checkpoint, pad(objective.content.double(), CENTERED)[None])
    styles = reference_features(checkpoint, pad(style.double(), CENTERED)[None])
    content = sum(
        weight * (features[tap] - photos[tap]).square().sum() / photos[tap].square().sum()
        for tap, weight in options.content_layers.items()
    )
    of_style = sum(
        weight
        * (_gram(features[tap]) - _gram(styles[tap])).square().sum()
        / _gram(styles[tap]).square().sum()
        for tap, weight in options.style_layers.items()
    )
    down = (canvas[:, 1:] - canvas[:, :-1]).square().sum()
    right = (canvas[:, :, 1:] - canvas[:, :, :-1]).square().sum()
    variation = (down + right) / canvas[0].numel()
    return options.alpha * content + options.beta * of_style + options.tv * variation


def _gram(features):
    rows = features[0].flatten(1)
    return rows @ rows.T / rows.shape[1]


@pytest.mark.parametrize(
    "given",
    [{}, {"content_layers": "conv4_2", "style_layers": "relu1_1:3,relu3_1:1", "alpha": 3, "tv": 0}],
    ids=["default", "named"],
)
def test_total_and_gradient_are_those_of_the_formula(given):
    vgg = small_vgg()
    objective = _objective(vgg, content=photo(), styles=[stripes(64, 64)], **given)
    plan = make_plan(request(content=photo(), styles=[stripes(64, 64)], **given))
    canvas = _canvas().requires_grad_()
    style = plan.parts[0].styles[0][1].picture.pixels
    expected = _reference_total(objective, canvas, plan.options, style)
    expected.backward()
    found = evaluate(vgg, [View(canvas.detach(), objective, CENTERED)])[0]
    assert float(found.objective_value) == pytest.approx(float(expected.detach()), rel=1e-6)
    error = float((found.gradient - canvas.grad).norm() / canvas.grad.norm())
    assert error < 1e-6


@pytest.mark.parametrize("seamless", ["x", "y", "both"])
def test_a_seamless_canvas_may_be_turned(seamless, monkeypatch):
    """Turned by half, with the photo, or seen turned by half: it has the same total."""
    monkeypatch.setattr("painter.evaluation.levels.SHIFTS", (CENTERED, CENTERED))
    vgg, half = small_vgg(), (24 * (seamless != "x"), 32 * (seamless != "y"))
    content = decode(photo(), "content").samples.permute(1, 2, 0).numpy()
    objective = _objective(vgg, seamless=seamless)
    turned = _objective(vgg, content=png(np.roll(content, half, (0, 1))), seamless=seamless)
    # What makes the content's losses relative is taken from the photo as it is first seen.
    turned = replace(turned, content_losses=objective.content_losses)
    centered, other = objective.layouts
    canvas = _canvas()
    one = evaluate(vgg, [View(canvas, objective, other)])[0]
    two = evaluate(vgg, [View(canvas.roll(half, (1, 2)), turned, centered)])[0]
    assert float(one.objective_value) == pytest.approx(float(two.objective_value), rel=1e-9)
    torch.testing.assert_close(one.gradient.roll(half, (1, 2)), two.gradient)


def test_margins_are_reflections_and_gradients_come_back_to_their_pixels():
    for shift in SHIFTS:
        canvas = _canvas().requires_grad_()
        weights = noise(3, 48 + 16, 64 + 16, seed=4)
        (pad(canvas, shift) * weights).sum().backward()
        torch.testing.assert_close(unpad_gradient(weights, shift), canvas.grad)


@pytest.mark.parametrize(
    ("rows", "columns"), [((0, 64), (0, 80)), ((0, 20), (50, 80)), ((40, 64), (5, 9))]
)
def test_a_part_of_a_margin_is_that_of_the_whole(rows, columns):
    for shift in SHIFTS:
        whole = pad(_canvas(), shift)[:, slice(*rows), slice(*columns)]
        assert torch.equal(padded_part(_canvas(), shift, rows, columns), whole)


_TILED = {
    "plain": {},
    "wasserstein": {"style_loss": "wasserstein"},
    "sliced": {"style_loss": "sliced"},
    "sliced in masks": {
        "style_loss": "sliced",
        "styles": [stripes(), photo(seed=3)],
        "masks": {1: png([[255] * 32 + [0] * 32] * 48)},
    },
    "seamless to the right": {"seamless": "x"},
    "seamless, masked": {
        "seamless": "both",
        "styles": [stripes(), photo(seed=3)],
        "masks": {1: png([[255] * 32 + [0] * 32] * 48)},
        "content_mask": png([[255] * 64] * 24 + [[60] * 64] * 24),
    },
    "mixed": {"style_loss": "gram:1,sliced:0.5"},
    "average": {"pooling": "average"},
    "deep": {"style_layers": "conv1_1,relu5_4", "content_layers": "conv5_2"},
    "masked": {
        "styles": [stripes(), photo(seed=3)],
        "masks": {1: png([[255] * 32 + [0] * 32] * 48)},
        "content_mask": png([[255] * 64] * 24 + [[60] * 64] * 24),
    },
}


def _in_tiles(vgg, view, side):
    tiled = TiledEvaluation(vgg, view, side)
    while (whole := tiled.advance()) is None:
        pass
    return whole


@pytest.mark.parametrize("given", _TILED.values(), ids=_TILED.keys())
def test_tiled_gradient_is_that_of_the_whole(given):
    vgg = small_vgg()
    objective = _objective(vgg, **{"content": photo(144, 229), "size": 229, "levels": 1, **given})
    canvas = noise(3, *objective.content.shape[-2:], seed=9)
    view = View(canvas, objective, list(objective.layouts)[2])
    whole = evaluate(vgg, [view])[0]
    tiled = _in_tiles(vgg, view, side=96)
    assert float(tiled.objective_value) == pytest.approx(float(whole.objective_value), rel=1e-10)
    error = float((tiled.gradient - whole.gradient).norm() / whole.gradient.norm())
    assert error < 1e-10


def test_tiled_gradient_is_that_of_the_whole_in_float32_at_1024_px():
    vgg = small_vgg(torch.float32)
    objective = _objective(vgg, content=photo(200, 300), size=1024, levels=1)
    canvas = noise(3, *objective.content.shape[-2:], seed=9).float()
    view = View(canvas, objective, Shift(13, 4))
    whole = evaluate(vgg, [view])[0]
    tiled = _in_tiles(vgg, view, side=384)
    assert float(tiled.objective_value) == pytest.approx(float(whole.objective_value), rel=1e-4)
    error = float((tiled.gradient - whole.gradient).norm() / whole.gradient.norm())
    assert error < 1e-3


def test_canvases_that_share_a_pass_get_what_they_get_alone():
    vgg = small_vgg()
    one = _objective(vgg)
    other = _objective(vgg, alpha=3, content_layers="conv2_2", styles=[photo(seed=5)])
    views = [View(_canvas(), one, CENTERED), View(_canvas().flip(1), other, Shift(1, 13))]
    together = evaluate(vgg, views)
    for view, found in zip(views, together, strict=True):
        alone = evaluate(vgg, [view])[0]
        assert float(found.objective_value) == pytest.approx(
            float(alone.objective_value), rel=1e-10
        )
        torch.testing.assert_close(found.gradient, alone.gradient, rtol=1e-8, atol=1e-12)


def test_loss_alone_is_the_loss_with_the_gradient():
    vgg = small_vgg()
    view = View(_canvas(), _objective(vgg), CENTERED)
    with_gradient = evaluate(vgg, [view])[0]
    alone = evaluate(vgg, [replace(view, with_gradient=False)])[0]
    assert alone.gradient is None
    assert torch.equal(alone.terms, with_gradient.terms)


def test_defaults_name_every_block_once():
    options = Options()
    assert list(options.style_layers) == list(options.content_layers)
    assert len(options.style_layers) == 5
