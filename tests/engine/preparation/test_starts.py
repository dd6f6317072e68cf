"""From one level to the next: what a canvas is enlarged to."""

from __future__ import annotations

import pytest
import torch

from jobs import finish, small_vgg_once
from painter.options.catalog import Options
from painter.pictures.picture import resize
from painter.planning.plan import make_plan
from painter.preparation.preparation import Preparation
from painter.preparation.starts import enlarged
from painter.preparation.style_cache import StyleCache
from pictures import photo, png, request

LEFT = png([[255] * 64 + [0] * 64] * 96)


def _enlarged(**given):
    """The photo as the level before has it, enlarged; and the photo itself."""
    plan = make_plan(request(content=photo(96, 128), size=128, **given))
    made = Preparation(plan, plan.levels[-1], small_vgg_once(torch.float32), StyleCache(2**28))
    objective = finish(made)
    small = resize(plan.content, plan.levels[0].shape)
    return enlarged(plan, objective, small), resize(small, objective.shape), plan.content


def test_a_canvas_gets_the_detail_of_the_photo_that_it_lacks():
    found, _, content = _enlarged()
    torch.testing.assert_close(found, content, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("given", "share"), [({"alpha": 0}, 0), ({"alpha": 0.5, "beta": 2 * Options().beta}, 0.25)]
)
def test_it_gets_less_where_the_photo_counts_less(given, share):
    found, plain, content = _enlarged(**given)
    expected = (plain + share * (content - plain)).clamp(0, 1)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("given", [{"alpha": 9}, {"beta": 0}], ids=str)
def test_it_never_gets_more_than_there_is(given):
    found, _, content = _enlarged(**given)
    torch.testing.assert_close(found, content, rtol=0, atol=1e-5)


def test_it_gets_detail_where_the_content_counts():
    found, plain, content = _enlarged(content_mask=LEFT)
    torch.testing.assert_close(found[..., :60], content[..., :60], rtol=0, atol=1e-4)
    torch.testing.assert_close(found[..., 68:], plain[..., 68:], rtol=0, atol=1e-4)
