"""The sizes a canvas goes through, and its steps."""

from __future__ import annotations

import pytest

from painter.options.catalog import SHORTEST_SIDE
from painter.planning.pyramid import COARSEST_SIDE, fit, level_shapes, share_steps


@pytest.mark.parametrize(
    ("shape", "longest", "expected"),
    [
        ((48, 64), 64, (48, 64)),
        ((3000, 4000), 512, (384, 512)),
        ((4000, 3000), 512, (512, 384)),
        ((16, 16), 512, (512, 512)),
        ((1, 10**6), 512, (1, 512)),
    ],
)
def test_fit_keeps_the_aspect(shape, longest, expected):
    assert fit(shape, longest) == expected


@pytest.mark.parametrize("longest", [64, 100, 256, 511, 512, 1024, 8192])
@pytest.mark.parametrize("aspect", [(1, 1), (3, 4), (9, 16), (1, 2)])
@pytest.mark.parametrize("levels", [0, 1, 3, 8])
def test_levels_end_at_the_size_and_halve(longest, aspect, levels):
    shape = fit(aspect, longest)
    shapes = level_shapes(shape, levels)
    assert shapes[-1] == shape
    assert 1 <= len(shapes) <= (levels or 9)
    for smaller, larger in zip(shapes, shapes[1:], strict=False):
        assert max(smaller) >= COARSEST_SIDE
        assert min(smaller) >= SHORTEST_SIDE
        assert abs(max(larger) / max(smaller) - 2) < 0.05
        assert abs(smaller[0] / smaller[1] - shape[0] / shape[1]) < 0.05


def test_levels_are_chosen_down_to_64():
    assert [max(shape) for shape in level_shapes((512, 512), 0)] == [64, 128, 256, 512]
    assert [max(shape) for shape in level_shapes((1024, 64), 0)] == [512, 1024]


@pytest.mark.parametrize("levels", range(1, 9))
@pytest.mark.parametrize("steps", [1, 2, 7, 100, 301, 5000])
def test_steps_are_shared_out_whole(steps, levels):
    shares = share_steps(steps, levels)
    assert len(shares) == levels
    assert min(shares) >= 1
    assert sum(shares) == max(steps, levels)
    _, *between, last = shares if levels > 1 else [2 * steps, steps]
    assert steps < 100 or all(share <= last for share in between)


def test_no_steps_stay_none():
    assert share_steps(0, 3) == [0, 0, 0]
