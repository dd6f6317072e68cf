"""Masks at the layers of the network."""

from __future__ import annotations

import math

import pytest
import torch

from jobs import finish, small_vgg_once
from networks import noise
from painter.canvas.layout import pad
from painter.canvas.masks import averaged, shrunk
from painter.evaluation.levels import SHIFTS
from painter.evaluation.passes import View, evaluate
from painter.network.layers import LAYER_NAMES, receptive_radius, stride_of
from painter.planning.masks import share_out
from painter.planning.plan import make_plan
from painter.preparation.preparation import Preparation
from painter.preparation.style_cache import StyleCache
from pictures import photo, png, request

TAPS = ("conv1_1", "relu2_2", "conv3_1", "conv4_2", "conv5_1")


def at_tap(mask, tap):
    """A mask as the weights of a tap's positions."""
    return averaged(shrunk(mask, tap), tap)


def _disc(side=128, radius=40):
    away = torch.arange(side) - side / 2 + 0.5
    return ((away[:, None] ** 2 + away**2) < radius**2).float()


@pytest.mark.parametrize("tap", LAYER_NAMES)
def test_a_mask_has_one_weight_for_each_position(tap):
    stride = stride_of(tap)
    weights = at_tap(noise(100, 75).float(), tap)
    assert weights.shape == (100 // stride, 75 // stride)
    assert float(weights.min()) >= 0
    assert float(weights.max()) <= 1


@pytest.mark.parametrize("tap", TAPS)
def test_white_stays_white(tap):
    assert torch.equal(at_tap(torch.ones(64, 64), tap).unique(), torch.ones(1))


@pytest.mark.parametrize("tap", ["conv1_1", "relu2_2", "conv3_1"])
def test_no_position_counts_that_sees_across_the_edge(tap):
    mask, stride, radius = _disc(), stride_of(tap), receptive_radius(tap)
    weights = at_tap(mask, tap)
    for row, column in weights.nonzero().tolist():
        cell = mask[row * stride : (row + 1) * stride, column * stride : (column + 1) * stride]
        if float(weights[row, column]) == 1:
            top, left = row * stride - radius, column * stride - radius
            seen = mask[top : top + 2 * radius + stride, left : left + 2 * radius + stride]
            assert float(seen.min()) == 1
        assert float(cell.min()) == 1
    whole = float(mask.sum()) / stride**2
    assert whole / 4 <= float(weights.sum()) < whole


@pytest.mark.parametrize("tap", ["conv4_2", "conv5_1"])
def test_where_shrinking_leaves_too_little_the_mask_itself_serves(tap):
    mask, stride = _disc(), stride_of(tap)
    expected = mask.view(128 // stride, stride, 128 // stride, stride).mean((1, 3))
    torch.testing.assert_close(at_tap(mask, tap), expected)


@pytest.mark.parametrize("shift", SHIFTS, ids=str)
@pytest.mark.parametrize("side", ["top", "bottom", "left", "right"])
def test_a_mask_on_the_last_rows_counts_somewhere_at_every_tap(side, shift):
    mask = torch.zeros(63, 79)
    edge = {"top": (0, 0), "bottom": (0, -1), "left": (1, 0), "right": (1, -1)}[side]
    mask.select(*edge).fill_(1)
    padded = pad(mask[None], shift)[0]
    for tap in TAPS:
        assert float(at_tap(padded, tap).sum()) > 0


def test_masks_share_where_they_overlap():
    one, other = torch.zeros(8, 8), torch.zeros(8, 8)
    one[:, :6], other[:, 4:] = 1, 1
    first, second = share_out([one, other])
    torch.testing.assert_close(first + second, torch.ones(8, 8))
    assert float(first[0, 5]) == float(second[0, 5]) == 0.5


def test_where_no_mask_is_no_style_is():
    one, other = torch.zeros(8, 8), torch.full((8, 8), 0.25)
    one[:, :4] = 0.5
    first, second = share_out([one, other])
    torch.testing.assert_close(first, one)
    torch.testing.assert_close(second, other)


def test_styles_without_a_mask_share_what_is_left():
    one = torch.zeros(8, 8)
    one[:, :6] = 1
    first, second, third = share_out([None, one, None])
    torch.testing.assert_close(first, (1 - one) / 2)
    torch.testing.assert_close(third, (1 - one) / 2)
    torch.testing.assert_close(second, one)


@pytest.mark.parametrize("shift", SHIFTS, ids=str)
def test_an_objective_is_finite_with_a_mask_on_the_last_rows(shift):
    rows = [[0] * 63] * 60 + [[255] * 63] * 3
    plan = make_plan(request(content=photo(63, 63), masks={1: png(rows)}))
    vgg = small_vgg_once(torch.float32)
    objective = finish(Preparation(plan, plan.levels[-1], vgg, StyleCache(2**28)))
    canvas = noise(3, *plan.shape).float()
    found = evaluate(vgg, [View(canvas, objective, shift)])[0]
    assert torch.isfinite(found.gradient).all()
    assert math.isfinite(float(found.objective_value))
