"""The photo's features: seen in shifts that share passes where that is for the better."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import torch

from jobs import finish, small_vgg_once
from painter.planning.plan import make_plan
from painter.preparation.content_targets import ContentTargets
from painter.preparation.preparation import Preparation
from painter.preparation.style_cache import StyleCache
from pictures import photo, request


def _preparation(level=-1):
    plan = make_plan(request(content=photo(128, 128), size=128))
    return Preparation(plan, plan.levels[level], small_vgg_once(torch.float32), StyleCache(2**28))


def _passes(level, device):
    targets = _preparation(level)._content
    targets._vgg = SimpleNamespace(device=torch.device(device))
    return [len(shifts) for shifts in targets._together()]


def test_on_a_gpu_small_levels_share_passes_that_are_no_larger_than_the_painting():
    # 80 x 80 px with its margin, beside 144 x 144.
    assert (_passes(0, "cuda"), _passes(-1, "cuda")) == ([3, 1], [1, 1, 1, 1])
    assert _passes(0, "cpu") == [1, 1, 1, 1]


@pytest.mark.parametrize("level", [0, -1])
def test_a_shared_pass_sees_what_each_alone_sees(monkeypatch, level):
    alone = finish(_preparation(level))
    monkeypatch.setattr(ContentTargets, "_together", lambda targets: [targets._shifts])
    shared = finish(_preparation(level))
    assert len(shared.layouts) == 4
    for shift, layout in alone.layouts.items():
        for tap, features in layout.content.items():
            close = partial(torch.testing.assert_close, rtol=1e-4, atol=1e-4)
            close(shared.layouts[shift].content[tap], features)
