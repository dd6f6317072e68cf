"""Neighbors of a canvas: of every region in its own style, the same in tiles, found anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from jobs import begun, finish, finished, small_vgg_once, step
from networks import noise
from painter.canvas.layout import CENTERED, padded_shape
from painter.canvas.tiles import tiles
from painter.evaluation.levels import SHIFTS
from painter.evaluation.passes import View, evaluate
from painter.evaluation.tiled import TiledEvaluation
from painter.losses import neighbors
from painter.planning.plan import make_plan
from painter.preparation.matching import Matching, of_grid
from painter.preparation.preparation import Preparation
from painter.preparation.style_cache import StyleCache
from painter.preparation.style_sets import picked
from pictures import photo, png, request, stripes

LEFT = png([[255] * 32 + [0] * 32] * 48)
KINDS = {
    "alone": {"style_loss": "neighbors"},
    "seamless": {"style_loss": "neighbors", "seamless": "both"},
    "sampled": {"style_loss": "relaxed_transport", "content_loss": "self_similarity"},
    "sampled, mixed, in masks": {
        "style_loss": "neighbors:1,relaxed_transport:1,gram:1",
        "content_loss": "l2:1,self_similarity:1",
        "styles": [stripes(), photo(seed=3)],
        "masks": {1: LEFT},
        "content_mask": LEFT,
    },
    "mixed, in masks": {
        "style_loss": "neighbors:1,gram:0.5",
        "styles": [stripes(), photo(seed=3)],
        "masks": {1: LEFT},
        "content_mask": LEFT,
    },
}


def _objective(cache=None, **given):
    plan = make_plan(request(**{"style_loss": "neighbors", "levels": 1, **given}))
    cache = StyleCache(2**28) if cache is None else cache
    return finish(Preparation(plan, plan.levels[-1], small_vgg_once(torch.float64), cache))


def _canvas(objective):
    return noise(3, *objective.shape, seed=9)


def _matched(objective):
    return finish(Matching(small_vgg_once(torch.float64), objective, _canvas(objective)))


@pytest.mark.parametrize("given", KINDS.values(), ids=KINDS.keys())
def test_tiles_find_the_neighbors_and_the_gradient_of_the_whole(given, monkeypatch):
    vgg = small_vgg_once(torch.float64)
    objective = _objective(**{"content": photo(144, 229), "size": 229, **given})
    whole = _matched(objective)
    for region in whole.regions:
        assert not region.neighborhood or len(region.neighborhood.places.unique()) > 9
    view = View(_canvas(objective), whole, list(objective.layouts)[2])
    expected = evaluate(vgg, [view])[0]
    monkeypatch.setattr("painter.canvas.tiles.WHOLE_PIXELS_MOST", 1)
    monkeypatch.setattr("painter.canvas.tiles.TILE_SIDE", 96)
    tiled = _matched(objective)
    for one, other in zip(whole.regions, tiled.regions, strict=True):
        if one.neighborhood:
            assert torch.equal(one.neighborhood.places, other.neighborhood.places)
    found = finish(TiledEvaluation(vgg, view, side=96))
    torch.testing.assert_close(found.terms, expected.terms, rtol=1e-10, atol=0)
    torch.testing.assert_close(found.gradient, expected.gradient, rtol=1e-8, atol=1e-13)


@pytest.mark.parametrize(("style_loss", "rounds"), [("neighbors", 1), ("gram", 2)])
def test_neighbors_alone_need_one_round_over_the_tiles(style_loss, rounds):
    objective = _matched(_objective(style_loss=style_loss))
    view = View(_canvas(objective), objective, CENTERED)
    evaluation, turns = TiledEvaluation(small_vgg_once(torch.float64), view, side=48), 0
    while evaluation.advance() is None:
        turns += 1
    cut = tiles(padded_shape(objective.shape), objective.config, 48)
    assert len(cut) > 1
    assert turns == rounds * len(cut)


def test_the_gradient_at_the_canvas_is_that_of_differences():
    vgg = small_vgg_once(torch.float64)
    objective = _matched(_objective(alpha=0, tv=0))
    canvas, along = _canvas(objective), noise(3, *objective.shape, seed=4) - 0.5
    found = evaluate(vgg, [View(canvas, objective, SHIFTS[1])])[0]
    values = [
        float(evaluate(vgg, [View(canvas + step * along, objective, SHIFTS[1])])[0].objective_value)
        for step in (1e-6, -1e-6)
    ]
    slope = float((found.gradient * along).sum())
    assert (values[0] - values[1]) / 2e-6 == pytest.approx(slope, rel=1e-4)


def test_a_canvas_that_is_shifted_keeps_its_neighbors():
    # Each position is told by where it lies on a canvas of 72 x 64 px.
    places = torch.arange(22.0)[:, None].expand(22, 20) * 4 - CENTERED.top
    for shift in SHIFTS:
        there = torch.arange(22.0) * 4 - shift.top
        error = (of_grid(places, (72, 64), shift)[:, 0] - there)[4:-4]
        assert float(error.abs().max()) <= 2


@pytest.mark.parametrize("turned", [0.0, 0.25, 0.5])
def test_a_canvas_that_is_turned_keeps_its_neighbors(turned):
    places = (torch.arange(22.0)[:, None].expand(22, 20) * 4 - CENTERED.top) % 72
    shift = replace(SHIFTS[1], seamless=(True, False), turned=turned)
    there = (torch.arange(22.0) * 4 - shift.top - round(turned * 72)) % 72
    error = (of_grid(places, (72, 64), shift)[:, 0] - there).abs()
    assert float(torch.minimum(error, 72 - error).max()) <= 2


def test_several_styles_are_sampled_by_their_weights(monkeypatch):
    styles = [photo(64, 64, seed=3), photo(64, 64, seed=4)]
    one, other = (_objective(styles=[style]).regions[0].neighborhood.style.rows for style in styles)
    assert len(one) > 1000
    alone = _objective(styles=styles, style_weights=(0, 1)).regions[0].neighborhood.style.rows
    assert torch.equal(alone, other)
    monkeypatch.setattr("painter.preparation.region_targets.KEPT_MOST", 400)
    rows = _objective(styles=styles, style_weights=(1, 3)).regions[0].neighborhood.style.rows
    of_one = sum(bool((row == one).all(1).any()) for row in rows)
    assert 80 <= of_one <= 100
    assert 240 <= len(rows) - of_one <= 300


def test_a_style_gives_only_what_is_white_in_its_mask():
    halves = np.concatenate([np.zeros((64, 32, 3)), np.full((64, 32, 3), 255)], axis=1)
    mask = png([[0] * 32 + [255] * 32] * 64)
    white = _objective(styles=[png(np.full((64, 64, 3), 255))]).regions[0].neighborhood.style.rows
    masked = (
        _objective(styles=[png(halves)], style_masks={1: mask}).regions[0].neighborhood.style.rows
    )
    nearby = torch.cdist(masked, white).min(1).values / white.norm(dim=1).mean()
    assert float(nearby[: len(nearby) // 2].median()) < 0.05


@pytest.mark.parametrize("weighted", [False, True])
def test_a_sample_is_spread_over_the_picture_by_its_weights(weighted):
    weights = torch.ones(40, 50)
    if weighted:
        weights[:20] = 0
    mask = picked((40, 50), 200, 0, weights if weighted else None)
    assert 180 <= int(mask.sum()) <= 200
    assert int(mask[:20].sum()) == (0 if weighted else pytest.approx(100, abs=12))
    assert picked((4, 5), 200, 0).all()
    assert int(picked((4, 5), 7, 0, torch.eye(4, 5)).sum()) <= 4


def test_a_second_painting_finds_the_first_ones_set():
    cache = StyleCache(2**28)
    first, second = (_objective(cache).regions[0].neighborhood.style.rows for _ in range(2))
    assert cache.hits
    assert torch.equal(first, second)


def test_neighbors_are_found_anew_within_a_level_and_on_all_before(monkeypatch):
    calls = []

    def counted(vgg, objective, canvas, turn):
        calls.append((objective.shape, objective.coarser is not None))
        return Matching(vgg, objective, canvas, turn)

    monkeypatch.setattr("painter.painting.descent.Matching", counted)
    monkeypatch.setattr("painter.painting.descent.MATCHED_EVERY", 10)
    finished(size=128, steps=40, style_loss="neighbors")
    sizes = [max(shape) for shape, _ in calls]
    assert sizes == sorted(sizes)
    assert sizes.count(64) == 2
    assert sizes.count(128) == 3
    assert calls[-1] == ((96, 128), True)


def test_lbfgs_finds_neighbors_once_a_level(monkeypatch):
    monkeypatch.setattr("painter.painting.descent.MATCHED_EVERY", 2)
    job = begun(steps=12, style_loss="neighbors", optimizer="lbfgs")
    values = []
    while not job.finished:
        step(job)
        values.append(float(job._painting.step.best.objective_value))
    assert values == sorted(values, reverse=True)


def test_nothing_is_looked_for_where_no_neighbors_are_compared(monkeypatch):
    monkeypatch.setattr("painter.painting.descent.Matching", None)
    assert finished(style_loss="gram", steps=3).incomplete is None


SPOT = png([[0] * 30 + [255] * 4 + [0] * 30 if 20 <= row < 24 else [0] * 64 for row in range(48)])


@pytest.mark.parametrize("kind", ["alone", "sampled"])
def test_what_has_few_positions_is_painted(kind):
    for given in (
        {"content": photo(63, 1000), "size": 520},
        {"styles": [photo(16, 20)], "size": 64},
        {"styles": [png(np.full((32, 32, 3), 90))]},
        {"masks": {1: SPOT}},
        {"style_masks": {1: SPOT}, "content_mask": SPOT},
    ):
        job = finished(steps=3, **KINDS[kind], **given)
        assert job.incomplete is None
        assert np.isfinite(job.progress.losses.total)


def test_regions_keep_to_their_own_styles():
    objective = _objective(**KINDS["mixed, in masks"])
    sets = [region.neighborhood.style.rows for region in objective.regions]
    assert not torch.equal(*sets) if sets[0].shape == sets[1].shape else True
    alone = replace(objective, regions=objective.regions[:1])
    one = _matched(alone).regions[0].neighborhood.places
    assert torch.equal(one, _matched(objective).regions[0].neighborhood.places)
    assert int(one.max()) <= neighbors.KEPT_MOST
