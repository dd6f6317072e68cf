"""One painting: what it keeps, shows, and ends with."""

from __future__ import annotations

import io
import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from jobs import begun, best_total, finished, painted, small_painter, small_vgg_once, step
from painter.device.faults import as_paint_error
from painter.errors import Internal, OutOfRange
from painter.evaluation.levels import condensed_steps_of
from painter.evaluation.passes import evaluate
from painter.options.request import Resume
from painter.painting.descent import JUDGED_EVERY
from painter.painting.steps import PLATEAU_STEPS_MOST
from painter.pictures.encoding import encode
from painter.pictures.picture import decode
from pictures import photo, png, stripes

LEFT = np.repeat([[255] * 32 + [0] * 32], 48, axis=0)


def _steps(job):
    """The job after each of its turns, until it is done."""
    while not job.finished:
        yield job
        step(job)
    yield job


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_the_best_of_a_level_never_gets_worse(optimizer):
    best: dict[tuple[int, bool], list[float]] = {}
    for job in _steps(begun(size=128, steps=40, optimizer=optimizer, init="noise")):
        at, levels = job._painting.step, job.plan.levels
        # The losses of one network are compared with none of the other's.
        is_whole = at.step >= condensed_steps_of(job.plan, levels[at.level - 1].steps)
        best.setdefault((at.level, is_whole), []).append(float(at.best.objective_value))
    assert len(best) == (4 if optimizer == "adam" else 2)
    for totals in best.values():
        assert totals == sorted(totals, reverse=True)
        assert totals[-1] < totals[0]


def test_what_lbfgs_accepts_never_goes_up():
    job = begun(steps=40, optimizer="lbfgs", init="noise", averaging=0.9)
    seen, kept = [job.progress.losses.total], [best_total(job)]
    for _ in _steps(job):
        seen.append(job.progress.losses.total)
        kept.append(best_total(job))
    assert kept == sorted(kept, reverse=True)
    assert kept[-1] == min(seen) < 0.5 * seen[0]


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_steps_are_evaluations(optimizer, monkeypatch):
    count = []
    real = evaluate

    def counting(vgg, views):
        count.extend(view for view in views if view.with_gradient)
        return real(vgg, views)

    monkeypatch.setattr("painter.evaluation.lanes.evaluate", counting)
    job = finished(size=64, steps=15, optimizer=optimizer)
    assert len(count) == 15 == job.progress.step == job.progress.steps
    assert job.stopped == "steps"


def _evaluate_by(job, change):
    """From now on evaluations are what `change` makes of their count and of what they come to."""
    evaluate, turns = job.lane.evaluate, itertools.count(1)
    job.lane.evaluate = lambda views: [change(next(turns), found) for found in evaluate(views)]


def test_losses_that_stay_lost_are_told():
    job = begun(steps=30)

    def lost(turn, found):
        value = found.objective_value
        return replace(found, objective_value=value * math.nan) if turn > 5 else found

    _evaluate_by(job, lost)
    job.run()
    assert job.progress.step < 30
    assert job.incomplete == "level 1 ended early: its losses were no longer finite"
    assert job.result().record["incomplete"] == job.incomplete


def test_no_steps_end_by_a_plateau():
    job = finished(steps=0, tv=500, averaging=0)
    assert job.stopped == "plateau"
    assert 1 <= job.progress.step < PLATEAU_STEPS_MOST
    assert job.progress.steps == 0
    assert job.progress.eta is None


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_losses_that_are_not_finite_lose_no_painting(optimizer):
    job = begun(steps=30, optimizer=optimizer)
    best = best_total(job)

    def broken(turn, found):
        if found.gradient is None or turn % 5:
            return found
        return replace(found, gradient=found.gradient * math.nan)

    _evaluate_by(job, broken)
    for _ in _steps(job):
        json.dumps(job.progress.as_json(), allow_nan=False)
    assert math.isfinite(best_total(job))
    assert best_total(job) <= best
    record = job.result().record
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_a_first_loss_that_is_not_finite_is_a_defect():
    painter = small_painter()
    painter.vgg = _Broken()
    with pytest.raises(Internal):
        begun(painter)


class _Broken:
    def __getattr__(self, name):
        return getattr(small_vgg_once(torch.float32), name)

    def gradient(self, trace, config, at_taps):
        return small_vgg_once(torch.float32).gradient(trace, config, at_taps) * math.nan

    def trace(self, pixels, config):
        trace = small_vgg_once(torch.float32).trace(pixels, config)
        for kept in trace.taps.values():
            kept.fill_(math.inf)
        return trace


def test_same_request_same_pixels():
    given = {"size": 128, "steps": 12, "init_noise": 0.3, "seed": 5}
    assert torch.equal(painted(**given), painted(**given))


def test_resume_goes_on_at_a_level():
    job = begun(size=256, steps=60, canvas=stripes(48, 64), resume=Resume(2, 5))
    assert job.accepted["resumed"] == {"level": 2, "step": 5}
    assert job.progress.level == 2
    first = job.plan.levels[0].steps
    assert job.progress.step == first + 6
    for _ in _steps(job):
        assert job.progress.level >= 2
    assert job.result().record["resumed"] == {"level": 2, "step": 5}
    assert job.progress.step == 60


def test_a_resumed_level_is_seen_at_the_sizes_of_those_before():
    whole = begun(size=256, steps=60)
    while whole.progress.level < 3 or whole.progress.step < sum(_planned(whole)[:2]) + 1:
        step(whole)
    resumed = begun(size=256, steps=60, canvas=stripes(48, 64), resume=Resume(3, 0))
    assert resumed.pending.objective.shape == whole.pending.objective.shape
    assert _views(resumed.pending.objective) == _views(whole.pending.objective) != [(192, 256)]


def _planned(job):
    return [level.steps for level in job.plan.levels]


def _views(objective):
    """The shapes that a canvas is seen at."""
    return [] if objective is None else [objective.shape, *_views(objective.coarser)]


@pytest.mark.parametrize("init", ["content", "noise", "style", "image"])
def test_resume_starts_from_the_canvas_whatever_the_first_start_was(init):
    canvas = decode(stripes(48, 64), "canvas").pixels
    given = {"canvas": stripes(48, 64), "resume": Resume(1, 0), "init": init, "init_noise": 0.5}
    shown = decode(begun(**given).result().data, "content").pixels
    torch.testing.assert_close(shown, canvas, rtol=0, atol=1 / 255)


def test_a_step_beyond_the_level_is_its_last():
    job = begun(steps=5, canvas=photo(), resume=Resume(1, 10**9))
    assert job.progress.step == 5


def test_transparency_comes_back():
    clear = np.dstack([np.full((48, 64, 3), 120), LEFT])
    result = finished(content=png(clear)).result()
    alpha = np.asarray(Image.open(io.BytesIO(result.data)))[..., 3]
    assert np.array_equal(alpha, LEFT)
    laid = finished(content=png(clear), format="jpeg").result()
    assert decode(laid.data, "content").pixels[:, :, 40:].min() > 0.95


def test_luminance_keeps_the_photos_chroma():
    content = decode(photo(), "content").pixels
    found = painted(color="luminance", steps=10, format="png16")
    inside = ((found > 0.01) & (found < 0.99)).all(0)
    chroma = [pixels - (pixels * _luma()).sum(0) for pixels in (found, content)]
    assert float(inside.float().mean()) > 0.3
    assert float((chroma[0] - chroma[1]).abs().amax(0)[inside].max()) < 0.01


def _luma():
    return torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)


def test_what_is_not_masked_stays_near_the_photo():
    content = decode(photo(96, 128), "content").pixels
    given = {"content": photo(96, 128), "size": 128, "steps": 60, "tv": 0, "levels": 1}
    left = png(np.repeat(np.repeat(LEFT, 2, 0), 2, 1))
    away = (painted(**given, masks={1: left}) - content).abs().mean((0, 1))
    # The receptive field of conv5_1 sees a little across the edge.
    assert float(away[96:].mean()) < 0.5 * float(away[:48].mean())


@pytest.mark.parametrize("seamless", ["none", "x", "y", "both"])
def test_where_sides_meet_neighbors_differ_no_more_than_elsewhere(seamless):
    given = {"alpha": 0, "init": "noise", "tv": 20, "steps": 40, "styles": [photo(64, 64, seed=3)]}
    canvas = finished(seamless=seamless, **given)._painting.step.best.canvas
    for dim, axis in ((1, "y"), (2, "x")):
        change = (canvas - canvas.roll(1, dim)).square().mean([0, 3 - dim])
        at_seam, elsewhere = float(change[0]), change[1:]
        if seamless in (axis, "both"):
            assert at_seam < float(elsewhere.max())
        else:
            assert at_seam > 4 * float(elsewhere.max())


def test_a_level_that_is_not_the_last_is_answered_enlarged():
    job = begun(size=256, steps=60, format="png16")
    result = job.result()
    assert job.progress.level == 1
    assert (result.width, result.height) == (256, 192)
    assert decode(result.data, "content").shape == (192, 256)
    assert result.record["stopped"] == ""


def test_progress_and_preview_tell_where_a_painting_is():
    job = begun(size=128, steps=30)
    told = []
    for _ in _steps(job):
        progress, preview = job.progress.as_json(), job.preview().as_json()
        told.append(progress["step"])
        assert (preview["level"], preview["width"] >= preview["height"]) == (
            progress["level"],
            True,
        )
        expected = progress["total_loss"]
        options = job.options
        weighted = options.alpha * progress["content_loss"] + options.beta * progress["style_loss"]
        assert expected == pytest.approx(weighted + options.tv * progress["tv_loss"])
        assert progress["eta"] is not None
        assert progress["eta"] >= 0
    assert told == sorted(told)
    assert progress["eta"] == 0
    assert set(progress["layers"]["style"]) == set(job.options.style_layers)


def test_the_record_tells_how_and_what_came_of_it():
    job = finished(steps=6, style_scale=2, seed=9)
    record = job.result().record
    assert record["options"]["seed"] == record["seed"] == 9
    assert record["steps"] == 6
    assert record["levels"] == [{"width": 64, "height": 48, "steps": 6}]
    assert record["weights"] == small_vgg_once(torch.float32).digest
    assert (record["stopped"], record["incomplete"], record["device"]) == ("steps", None, "cpu")
    assert record["losses"]["total"] == pytest.approx(best_total(job))


def test_a_failed_job_keeps_its_painting():
    job = begun(steps=20)
    step(job)
    job.fail(as_paint_error(ValueError("secret path /etc")))
    assert job.finished
    assert isinstance(job.error, Internal)
    record = job.result().record
    assert record["stopped"] == "failure"
    assert record["incomplete"] == job.error.detail
    assert "secret" not in json.dumps(record)


def test_a_painting_may_start_where_another_ended():
    job = finished(steps=10)
    again = encode(decode(job.result().data, "content").pixels, None, "png", 92, {})
    started = begun(canvas=again, init="image", steps=3)
    assert started.progress.losses.total == pytest.approx(best_total(job), rel=0.1)
    with pytest.raises(OutOfRange):
        begun(init="image")


def test_a_deadline_before_an_average_is_judged_is_answered_with_what_was_found():
    job = begun(size=64, steps=100, averaging=0.8)
    start = job._painting.step.best.canvas.clone()
    for _ in range(JUDGED_EVERY // 2):
        step(job)
    assert job.progress.step < JUDGED_EVERY
    assert float(job._painting.step.best.objective_value) < math.inf
    assert not torch.equal(job._painting.step.best.canvas, start)


@pytest.mark.parametrize("size", [64, 1024])
def test_snapshots_are_not_changed_by_later_steps(size):
    job = begun(size=size, levels=1, steps=4, averaging=0)
    shown, best = job.preview_snapshot(), job.snapshot()
    kept = [shown.canvas.arriving.tensor.clone(), best.canvas.arriving.tensor.clone()]
    assert max(shown.canvas.arriving.tensor.shape) == min(size, 512)
    for _ in _steps(job):
        pass
    assert torch.equal(shown.canvas.arriving.tensor, kept[0])
    assert torch.equal(best.canvas.arriving.tensor, kept[1])
    assert not torch.equal(job.snapshot().canvas.arriving.tensor, kept[1])


def test_a_finished_painting_is_not_copied_once_more():
    job = finished(steps=2)
    copied, best = job.snapshot().canvas.arriving.tensor, job._painting.step.best.canvas
    assert copied.data_ptr() == best.data_ptr()
