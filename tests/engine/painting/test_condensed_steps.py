"""Which steps go by the condensed network, and what is judged by which."""

from __future__ import annotations

import math
from weakref import ref

import pytest
import torch

from jobs import begun, small_painter
from painter.evaluation import lanes
from painter.evaluation.levels import (
    all_shifts_of,
    condensed_steps_of,
    has_condensed_steps,
    shifts_of,
)
from painter.network.vgg import VGG19
from painter.options.request import Resume
from painter.painting.steps import StepLog
from painter.planning.plan import make_plan
from pictures import photo, png, request

MASK = png([[255] * 32 + [0] * 32] * 48)


@pytest.fixture
def views(monkeypatch):
    """Every view that is evaluated."""
    seen = []
    evaluate = lanes.evaluate

    def noted(vgg, views):
        seen.extend(views)
        return evaluate(vgg, views)

    monkeypatch.setattr(lanes, "evaluate", noted)
    return seen


def _run(**given):
    job = begun(**given)
    job.run()
    return job


def _stepping(views):
    return [view for view in views if view.with_gradient]


def test_the_first_seven_tenths_of_a_level_go_by_the_cheaper_network(views):
    _run(steps=24, levels=1)
    steps = _stepping(views)
    assert [view.objective.config.is_condensed for view in steps] == [True] * 16 + [False] * 8
    plan = make_plan(request(steps=24, levels=1))
    assert [view.shift for view in steps[:16]] == 8 * list(shifts_of(plan, True, is_condensed=True))
    assert [view.shift for view in steps[16:]] == 4 * list(shifts_of(plan, condenses=True))


def test_the_grids_of_all_steps_are_apart_by_odd_numbers_of_px():
    plan = make_plan(request(steps=24, levels=1))
    shifts = [shifts_of(plan, condenses=True, is_condensed=each) for each in (True, False)]
    for one, other in shifts:
        assert (one.top - other.top) % 2 == (one.left - other.left) % 2 == 1
    assert set(all_shifts_of(plan, condenses=True)) == {*shifts[0], *shifts[1]}
    assert all_shifts_of(plan, condenses=False) == shifts_of(plan, condenses=False)
    assert len(all_shifts_of(plan, condenses=False)) == 4


def test_a_seam_is_at_four_places_for_both_networks():
    plan = make_plan(request(steps=24, levels=1, seamless="x"))
    for is_condensed in (True, False):
        shifts = shifts_of(plan, condenses=True, is_condensed=is_condensed)
        assert len({shift.turned for shift in shifts}) == 4


def test_many_steps_behind_go_through_four_shifts():
    few, many = (make_plan(request(steps=steps, levels=1)) for steps in (36, 40))
    assert len(shifts_of(few, condenses=True)) == 2
    assert shifts_of(many, condenses=True) == shifts_of(many, condenses=False)
    assert len(all_shifts_of(many, condenses=True)) == 4


def test_levels_and_their_coarser_views_are_seen_by_one_network_at_a_time(views):
    _run(size=128, content=photo(128, 96), steps=40)
    by_level = {64: [], 128: []}
    for view in _stepping(views):
        by_level[max(view.canvas.shape)].append(view.objective.config.is_condensed)
    # The first level has 14 steps, and is then a view of each of the second's 26.
    last = [True] * 18 + [False] * 8
    assert by_level[128] == last
    assert by_level[64] == [True] * 9 + [False] * 5 + last


@pytest.mark.parametrize(
    "given",
    [
        {"optimizer": "lbfgs"},
        {"style_loss": "neighbors:1,gram:1"},
        {"style_loss": "relaxed_transport"},
        {"content_loss": "self_similarity"},
        {"steps": 0},
        {"steps": 9},
    ],
    ids=str,
)
def test_it_is_not_asked_where_others_are_compared_or_it_would_not_pay(given):
    plan = make_plan(request(**{"steps": 24, "levels": 1, **given}))
    assert [condensed_steps_of(plan, level.steps) for level in plan.levels] == [0]


def test_a_level_is_prepared_for_it_where_it_or_a_finer_one_asks_it():
    plan = make_plan(request(size=512, content=photo(512, 384), steps=40))
    assert [condensed_steps_of(plan, level.steps) for level in plan.levels] == [10, 0, 0, 0]
    assert [has_condensed_steps(plan, level) for level in plan.levels] == [True] + [False] * 3
    plan = make_plan(request(size=256, content=photo(256, 192), steps=30))
    assert [condensed_steps_of(plan, level.steps) for level in plan.levels] == [7, 0, 9]
    assert [has_condensed_steps(plan, level) for level in plan.levels] == [True] * 3


def test_it_is_not_asked_where_it_was_not_measured(views, monkeypatch):
    monkeypatch.setattr(VGG19, "condenses", False)
    _run(steps=24, levels=1)
    assert not any(view.objective.config.is_condensed for view in views)


def test_the_answer_is_judged_by_the_whole_network(views):
    job = _run(steps=24, levels=1, averaging=0.5)
    judged = [view for view in views if not view.with_gradient]
    assert [view.objective.config.is_condensed for view in judged] == [False] * 2
    best = job._painting.step.best
    view = judged[-1]
    evaluation = lanes.evaluate(small_painter().vgg, [view])[0]
    torch.testing.assert_close(best.terms, evaluation.terms)


def test_between_the_networks_the_average_is_the_answer():
    job = begun(steps=24, levels=1, averaging=0.5)
    job.run(until=lambda: job.steps_done == 16)
    step = job._painting.step
    assert torch.equal(step.best.canvas, step.shown)
    assert torch.isfinite(step.best.terms).all()
    job.run(until=lambda: job.steps_done == 17)
    # No iterate is better than that: it was judged by nobody yet.
    assert torch.isinf(job._painting.step.best.objective_value)
    job.run()
    assert torch.isfinite(job._painting.step.best.objective_value)


def test_without_averaging_the_best_is_one_that_the_whole_network_has_seen(views):
    job = _run(steps=24, levels=1, averaging=0)
    whole = [view for view in views if not view.objective.config.is_condensed]
    assert len(whole) == len(_stepping(whole)) == 8
    assert torch.isfinite(job._painting.step.best.objective_value)


def test_what_is_resumed_goes_on_with_the_whole_network(views):
    _run(steps=24, levels=1, canvas=photo(64, 48), resume=Resume(1, 20))
    assert [view.objective.config.is_condensed for view in _stepping(views)] == [False] * 4


def test_masks_and_the_first_layer_are_shared(views):
    given = {"steps": 24, "levels": 1, "content_mask": MASK, "masks": {1: MASK}}
    given["styles"] = [photo(seed=1), photo(seed=2)]
    _run(**given)
    cheap, whole = (
        next(view.objective for view in views if view.objective.config.is_condensed is condensed)
        for condensed in (True, False)
    )
    assert cheap.content is whole.content
    shift = cheap.first_shift
    for one, other in zip(
        cheap.layouts[shift].region_weights, whole.layouts[shift].region_weights, strict=True
    ):
        assert one is other
    # The first layer is one of both networks.
    assert cheap.layouts[shift].content["conv1_1"] is whole.layouts[shift].content["conv1_1"]
    assert not torch.equal(
        cheap.layouts[shift].content["conv4_1"], whole.layouts[shift].content["conv4_1"]
    )


def _drive(job, change):
    """Runs a job, and tells `change` of it before each turn."""
    while not job.finished:
        change(job)
        job.advance()


def test_what_the_cheaper_network_compared_with_is_freed_when_nothing_asks_it_any_more():
    seen, preparing = [], []

    def note(job):
        view = job.pending
        if view is None and seen:
            preparing.append(job)
            assert not any(each() for each in seen)
        elif view is not None and job.steps_done >= 14 and view.objective.config.is_condensed:
            seen.append(ref(view.objective))

    _drive(begun(size=128, content=photo(128, 96), steps=40), note)
    # The second level's 18 steps, each on both levels.
    assert len(seen) == 36
    assert preparing


def test_a_level_that_ends_by_the_cheaper_network_is_prepared_for_the_next(monkeypatch):
    given = {"size": 128, "content": photo(128, 96), "steps": 40}
    monkeypatch.setattr(StepLog, "ends", lambda log, level, index, done: index == 1 and done == 4)
    job = begun(**given)
    job.run(until=lambda: job.steps_done >= 24)
    assert job._painting.steps_done == [4, 20]
    assert not job._painting._descent._compared.config.is_condensed
    assert math.isfinite(job.progress.losses.total)


def test_what_failed_between_the_networks_is_begun_anew():
    given = {"steps": 24, "levels": 1, "content_mask": MASK}
    whole = _run(**given).result().record["losses"]
    failed = []

    def fail(job):
        preparing = job._painting._preparing
        if preparing is not None and len(failed) < 3 and preparing not in failed:
            failed.append(preparing)
            preparing.advance()
            assert job.begin_anew()

    job = begun(**given)
    _drive(job, fail)
    assert len(failed) == 3
    assert job._painting.steps_done == [24]
    assert job.result().record["losses"] == whole


def test_tiles_come_to_the_same(monkeypatch):
    given = {"steps": 24, "levels": 1, "size": 128, "content": photo(128, 96)}
    whole = begun(**given).progress.losses
    monkeypatch.setattr("painter.canvas.tiles.WHOLE_PIXELS_MOST", 90 * 90)
    monkeypatch.setattr("painter.canvas.tiles.TILE_SIDE", 64)
    tiled = begun(**given)
    assert tiled._painting._descent.view is None
    assert tiled._painting._descent._compared.config.is_condensed
    assert tiled.progress.losses.total == pytest.approx(whole.total, rel=1e-4)
