"""The styles' statistics: blended, and kept by all that they depend on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from jobs import small_vgg_once
from painter.losses.catalog import STYLE_LOSSES
from painter.losses.terms import Term
from painter.network.pass_config import PassConfig
from painter.planning.plan import make_plan
from painter.preparation.level_inputs import LevelInputs
from painter.preparation.pieces import Work
from painter.preparation.style_cache import StyleCache
from painter.preparation.style_targets import StyleTargets
from pictures import photo, png, request, stripes

TAPS = ("conv1_1", "relu2_1")
CONFIG = PassConfig(frozenset(TAPS), "max", torch.float32)
LEFT = png([[255] * 32 + [0] * 32] * 64)


def _targets(cache, config=CONFIG, vgg=None, canvas=(48, 64), style_loss="gram", **given):
    plan = make_plan(request(**given))
    vgg = vgg or small_vgg_once(torch.float32)
    loss = STYLE_LOSSES[style_loss]
    losses = {
        Term("style", style_loss, tap): loss.at(vgg.typical_energy[tap], 8, vgg.device)
        for tap in config.taps
    }
    inputs = LevelInputs(plan, canvas, vgg, cache, config)
    targets = StyleTargets(inputs, plan.parts[0].styles, losses)
    work = Work(targets.pieces())
    while not work.is_done:
        work.advance()
    return {term.layer: target for term, target in targets.by_term.items()}


def _moments(cache, **given):
    return _targets(cache, style_loss="wasserstein", **given)


def _misses(**changed):
    """How often a cache misses on a second request that differs in this from the first."""
    cache = StyleCache(2**28)
    _targets(cache)
    before = cache.misses
    _targets(cache, **changed)
    return cache.misses - before


def test_a_second_request_finds_what_the_first_has_left():
    cache = StyleCache(2**28)
    first, second = _targets(cache), _targets(cache)
    assert (cache.misses, cache.hits, len(cache)) == (1, 1, len(TAPS))
    for tap in TAPS:
        assert torch.equal(first[tap].gram, second[tap].gram)


@pytest.mark.parametrize(
    "same",
    [
        {"content": photo(seed=9)},
        {"style_loss": "wasserstein"},
        {"config": replace(CONFIG, taps=frozenset(TAPS[:1]))},
        {"alpha": 7, "steps": 9, "seed": 5},
        {"color_strength": 0.5},
        {"color": "guided", "palette": photo(seed=4)},
    ],
    ids=str,
)
def test_what_statistics_do_not_depend_on_is_no_miss(same):
    assert _misses(**same) == 0


class _Other:
    digest = "another checkpoint"

    def __getattr__(self, name):
        return getattr(small_vgg_once(torch.float32), name)


@pytest.mark.parametrize(
    "changed",
    [
        {"styles": [stripes(period=4)]},
        {"style_scale": 2},
        {"canvas": (96, 128)},
        {"style_masks": {1: LEFT}},
        {"config": replace(CONFIG, pooling="average")},
        {"config": replace(CONFIG, dtype=torch.float64), "vgg": small_vgg_once(torch.float64)},
        {"config": replace(CONFIG, taps=frozenset(["conv3_1"]))},
        {"vgg": _Other()},
        {"color": "match"},
        {"color": "luminance"},
        {"color": "match", "color_strength": 0.5},
        {"palette": photo(seed=4)},
    ],
    ids=lambda changed: ",".join(changed),
)
def test_what_statistics_depend_on_is_a_miss(changed):
    assert _misses(**changed) == 1


def test_recolored_styles_depend_on_the_photo():
    cache = StyleCache(2**28)
    for seed in (0, 1, 0):
        _targets(cache, color="match", content=photo(seed=seed))
    assert (cache.misses, cache.hits) == (2, 1)


def test_other_masks_of_one_style_are_other_statistics():
    cache = StyleCache(2**28)
    left = _moments(cache, style_masks={1: LEFT}, styles=[photo(64, 64)])
    right = _targets(
        cache,
        style_loss="wasserstein",
        style_masks={1: png(255 - _array())},
        styles=[photo(64, 64)],
    )
    assert cache.misses == 2
    assert not torch.allclose(left["conv1_1"].mean, right["conv1_1"].mean, rtol=1e-3)


def _array():
    return np.array([[255] * 32 + [0] * 32] * 64, np.uint8)


def _means(seed):
    one = torch.full((8,), float(seed))
    return one, torch.outer(one, one)


def test_a_thousand_styles_stay_within_the_budget():
    size = sum(tensor.nbytes for tensor in _means(0))
    cache = StyleCache(20 * size + size // 2)
    for seed in range(1000):
        cache.keep((seed,), _means(seed))
        assert cache.bytes <= 20 * size + size // 2
    assert len(cache) == 20
    assert cache.bytes == 20 * size
    assert cache.find([(979,)]) is None
    assert torch.equal(cache.find([(980,)])[0][0], _means(980)[0])


def test_what_is_used_stays_longest():
    size = sum(tensor.nbytes for tensor in _means(0))
    cache = StyleCache(2 * size)
    cache.keep((1,), _means(1))
    cache.keep((2,), _means(2))
    cache.find([(1,)])
    cache.keep((3,), _means(3))
    assert cache.find([(2,)]) is None
    assert cache.find([(1,), (3,)]) is not None


def test_what_is_kept_twice_counts_once_and_what_does_not_fit_is_not_kept():
    size = sum(tensor.nbytes for tensor in _means(0))
    cache = StyleCache(2 * size)
    cache.keep((1,), _means(1))
    cache.keep((1,), _means(1))
    assert (cache.bytes, len(cache)) == (size, 1)
    tiny = StyleCache(size - 1)
    tiny.keep((1,), _means(1))
    assert (tiny.bytes, len(tiny)) == (0, 0)


def test_a_blend_is_the_weighted_mean_of_statistics():
    cache = StyleCache(2**28)
    styles = [stripes(), photo(64, 64, seed=3)]
    one, other = (_targets(cache, styles=[style]) for style in styles)
    both = _targets(cache, styles=styles, style_weights=(1, 3))
    for tap in TAPS:
        expected = one[tap].gram / 4 + other[tap].gram * 3 / 4
        torch.testing.assert_close(both[tap].gram, expected)


def test_a_style_counts_only_where_it_is_white_and_opaque():
    halves = np.concatenate([np.zeros((64, 32, 3)), np.full((64, 32, 3), 255)], axis=1)
    opaque = np.dstack([halves, np.repeat([[0] * 32 + [255] * 32], 64, axis=0)])
    cache = StyleCache(2**28)
    white = _moments(cache, styles=[png(np.full((64, 64, 3), 255))])["conv1_1"].mean
    masked = _targets(
        cache, style_loss="wasserstein", styles=[png(halves)], style_masks={1: png(255 - _array())}
    )
    clear = _moments(cache, styles=[png(opaque)])
    for found in (masked, clear):
        torch.testing.assert_close(found["conv1_1"].mean, white, rtol=0.05, atol=0.02)
