"""Tiles own every pixel and every position once, and see what they need to."""

from __future__ import annotations

import pytest
import torch

from painter.canvas.tiles import TILE_SIDE, WHOLE_PIXELS_MOST, tiles
from painter.network.layers import STRIDE, receptive_radius, stride_of
from painter.network.pass_config import PassConfig

SHAPES = [(1, 1), (64, 48), (97, 611), (1300, 1300), (2000, 1111), (4112, 4112), (8208, 1040)]
TAPS = ("conv1_1", "conv2_2", "relu3_1", "conv4_2", "conv5_1")


def _pass(*taps):
    return PassConfig(frozenset(taps), "max", torch.float32)


@pytest.mark.parametrize("side", [None, 32, 100, 768])
@pytest.mark.parametrize("shape", SHAPES[1:3])
@pytest.mark.parametrize("tap", TAPS)
def test_every_position_is_owned_once(shape, side, tap):
    stride = stride_of(tap)
    count = torch.zeros(shape[0] // stride, shape[1] // stride)
    for tile in tiles(shape, _pass(tap), side):
        part = tile.of_whole(count, tap)
        height, width = tile.cut(torch.zeros(shape)).shape
        features = torch.zeros(height // stride, width // stride)
        assert tile.owned(features, tap).shape == part.shape
        part += 1
    assert torch.equal(count.unique(), torch.ones(1))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("tap", ["conv1_1", "conv5_1", "relu5_4"])
def test_halos_reach_as_far_as_a_position_sees(shape, tap):
    radius = receptive_radius(tap)
    for tile in tiles(shape, _pass("conv1_1", tap)):
        for span, length in ((tile.rows, shape[0]), (tile.columns, shape[1])):
            assert span.start % STRIDE == span.owned_start % STRIDE == 0
            assert span.start == 0 or span.owned_start - span.start >= radius
            assert span.stop == length or span.stop - span.owned_stop >= radius
            assert span.last == (span.owned_stop == length)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_tile_grows_with_its_picture(shape):
    config = _pass("conv5_1")
    found = tiles(shape, config)
    if shape[0] * shape[1] <= WHOLE_PIXELS_MOST:
        assert len(found) == 1
        return
    most = TILE_SIDE + STRIDE + 2 * (receptive_radius("conv5_1") + STRIDE)
    assert len(found) > 1
    for tile in found:
        assert tile.rows.stop - tile.rows.start <= most
        assert tile.columns.stop - tile.columns.start <= most
