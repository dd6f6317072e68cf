"""Turns: fair, apart, and shared where that is allowed."""

from __future__ import annotations

import weakref

import pytest
import torch

from jobs import begun, finished, small_painter
from painter.device.faults import DeviceLost
from painter.engine import scheduler as module
from painter.engine.scheduler import SHARED_MOST, Scheduler
from painter.errors import Internal, OutOfMemory
from painter.evaluation import lanes
from painter.evaluation.passes import evaluate
from painter.network.vgg import VGG19
from painter.optimizers.adam import Adam
from pictures import photo, stripes

OTHERS = [{}, {"content": photo(seed=2), "alpha": 3}, {"styles": [photo(64, 64, seed=3)], "tv": 9}]


def _run(scheduler):
    while scheduler.jobs:
        scheduler.advance(0.01)


def _together(shares, painter, jobs):
    scheduler = Scheduler(painter)
    painter.lanes.freest().shares = shares
    for job in jobs:
        scheduler.add(job)
    return scheduler


def test_neighbors_change_no_pixels_on_the_cpu():
    painter = small_painter()
    jobs = [begun(painter, steps=9, **given) for given in OTHERS]
    _run(_together(False, painter, jobs))
    for job, given in zip(jobs, OTHERS, strict=True):
        alone = finished(steps=9, **given)
        assert torch.equal(job._painting.step.best.canvas, alone._painting.step.best.canvas)


def test_rotation_is_fair():
    painter = small_painter()
    jobs = [begun(painter, steps=50, **given) for given in OTHERS]
    scheduler = _together(False, painter, jobs)
    for _ in range(60):
        scheduler.advance(0)
        steps = [job.progress.step for job in jobs]
        assert max(steps) - min(steps) <= 1
    assert min(steps) > 10


def test_a_slice_ends_in_time_and_always_does_something():
    painter = small_painter()
    job = begun(painter, steps=5000)
    scheduler = _together(False, painter, [job])
    asked = job.pending
    scheduler.advance(0)
    assert job.pending is not asked
    assert scheduler.jobs == [job]


def test_a_job_that_is_taken_out_takes_no_more_turns():
    painter = small_painter()
    jobs = [begun(painter, steps=9) for _ in range(2)]
    scheduler = _together(False, painter, jobs)
    scheduler.remove(jobs[0])
    scheduler.remove(jobs[0])
    _run(scheduler)
    assert not jobs[0].finished
    assert jobs[1].finished


def test_without_jobs_there_is_nothing_to_do():
    Scheduler(small_painter()).advance(60)


FAILURES = [
    (ValueError("x"), Internal),
    (torch.OutOfMemoryError("CUDA out of memory"), OutOfMemory),
    (torch.AcceleratorError("CUDA error: out of memory\nmore"), OutOfMemory),
    (MemoryError(), OutOfMemory),
]


@pytest.mark.parametrize("shares", [False, True], ids=["private", "shared"])
@pytest.mark.parametrize(("error", "kind"), FAILURES, ids=lambda one: getattr(one, "__name__", ""))
def test_a_failing_job_fails_alone(monkeypatch, error, kind, shares):
    painter = small_painter()
    bad, *good = (begun(painter, steps=9, **given) for given in OTHERS)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    asked = bad.pending
    real = evaluate

    def failing(vgg, views):
        if any(view is asked for view in views):
            raise error
        return real(vgg, views)

    monkeypatch.setattr(lanes, "evaluate", failing)
    _run(_together(shares, painter, [good[0], bad, good[1]]))
    assert isinstance(bad.error, kind)
    assert (bad.stopped, bad.result().record["incomplete"]) == ("failure", bad.error.detail)
    for job, given in zip(good, OTHERS[1:], strict=True):
        assert (job.error, job.stopped) == (None, "steps")
        alone = finished(steps=9, **given)
        bound = 1e-3 if shares else 0
        away = (job._painting.step.best.canvas - alone._painting.step.best.canvas).abs().max()
        assert float(away) <= bound


def test_a_job_that_fails_while_it_is_told_fails_alone():
    painter = small_painter()
    jobs = [begun(painter, steps=9) for _ in range(2)]
    jobs[0].take = lambda evaluation: 1 / 0
    _run(_together(False, painter, jobs))
    assert isinstance(jobs[0].error, Internal)
    assert jobs[1].stopped == "steps"


@pytest.mark.parametrize("where", ["evaluate", "take"])
def test_a_lost_device_is_told_to_all(monkeypatch, where):
    painter = small_painter()
    job = begun(painter, steps=9)
    error = torch.AcceleratorError("CUDA error: device-side assert triggered\nmore")

    def lost(*given):
        raise error

    target = (lanes, "evaluate") if where == "evaluate" else (job, "take")
    monkeypatch.setattr(*target, lost)
    with pytest.raises(DeviceLost, match="device-side assert triggered$"):
        _together(False, painter, [job]).advance(1)


def test_shared_passes_paint_what_private_ones_paint():
    painter = small_painter()
    given = [{}, {"content": photo(seed=2), "alpha": 3}, {"content_layers": "conv2_2"}]
    given.append({"size": 80, "styles": [stripes(period=4)]})
    jobs = [begun(painter, steps=9, **one) for one in given]
    _run(_together(True, painter, jobs))
    for job, one in zip(jobs, given, strict=True):
        alone = finished(steps=9, **one)
        assert float((job._painting.step.shown - alone._painting.step.shown).abs().mean()) < 1e-4
        assert job.progress.losses.total == pytest.approx(alone.progress.losses.total, rel=1e-3)


def test_a_shared_pass_takes_like_with_like(monkeypatch):
    painter = small_painter()
    sizes, real = [], evaluate

    def counting(vgg, views):
        sizes.append(len(views))
        assert len({view.batch_key for view in views}) == 1
        return real(vgg, views)

    jobs = [begun(painter, steps=4, size=size) for size in (64, 80, 64, 64, 80)]
    monkeypatch.setattr(lanes, "evaluate", counting)
    _run(_together(True, painter, jobs))
    assert max(sizes) == 3
    assert {job.stopped for job in jobs} == {"steps"}


def test_no_pass_is_shared_by_more_than_the_bound(monkeypatch):
    monkeypatch.setattr(module, "SHARED_MOST", 2)
    painter = small_painter()
    scheduler = _together(True, painter, [begun(painter, steps=4) for _ in range(5)])
    assert [len(scheduler._next_group()) for _ in range(3)] == [2, 2, 1]


class _Memory:
    """Passes that fail where more than so many canvases are in one, or as long as one is there."""

    def __init__(self, most=SHARED_MOST, beside=None):
        self.most, self.beside = most, beside
        self.groups, self.kept = [], []

    def __call__(self, vgg, views):
        assert not any(tensor() is not None for tensor in self.kept)
        self.groups.append(len(views))
        if len(views) > self.most or (self.beside is not None and not self.beside.finished):
            of_the_pass = torch.zeros(8)
            self.kept.append(weakref.ref(of_the_pass))
            try:
                raise torch.OutOfMemoryError("CUDA out of memory")
            except torch.OutOfMemoryError as error:
                raise RuntimeError("CUDNN_STATUS_ALLOC_FAILED") from error
        return evaluate(vgg, views)


@pytest.fixture
def memory(monkeypatch):
    """Takes the place of the evaluation: `memory(most=…)`."""

    def of(**given):
        made = _Memory(**given)
        monkeypatch.setattr(lanes, "evaluate", made)
        return made

    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    return of


def test_a_shared_pass_without_memory_is_gone_before_smaller_ones_are_tried(memory):
    painter = small_painter()
    jobs = [begun(painter, steps=9, averaging=0) for _ in range(5)]
    tried = memory(most=2).groups
    _run(_together(True, painter, jobs))
    assert [job.stopped for job in jobs] == ["steps"] * 5
    assert tried[:4] == [5, 2, 2, 1]
    assert max(tried[1:]) == 2


def test_once_nothing_is_painted_passes_may_be_as_large_as_before(memory):
    painter = small_painter()
    memory(most=2)
    scheduler = _together(True, painter, [begun(painter, steps=2) for _ in range(4)])
    _run(scheduler)
    for _ in range(4):
        scheduler.add(begun(painter, steps=2))
    assert len(scheduler._next_group()) == 4


@pytest.mark.parametrize("shares", [False, True], ids=["private", "shared"])
def test_where_memory_runs_out_the_painting_that_asked_for_most_fails_alone(memory, shares):
    painter = small_painter()
    small = [begun(painter, steps=9) for _ in range(2)]
    large = begun(painter, steps=9, size=128)
    memory(beside=large)
    _run(_together(shares, painter, [small[0], large, small[1]]))
    assert (large.stopped, large.error.status, large.error.field) == ("failure", 507, "size")
    assert [job.stopped for job in small] == ["steps", "steps"]


def test_memory_that_others_do_not_free_fails_one_more_painting(memory):
    painter = small_painter()
    small, large, other = (begun(painter, steps=9, size=size) for size in (64, 128, 80))
    memory(beside=small)
    _run(_together(False, painter, [small, large, other]))
    assert [job.stopped for job in (small, large, other)] == ["failure", "failure", "steps"]


PIECES = {
    "a level's preparation": {"size": 128, "steps": 6},
    "a search for neighbors": {"style_loss": "neighbors:1,gram:1", "steps": 22, "averaging": 0},
    "a tile": {"size": 112, "levels": 1, "steps": 6},
}


@pytest.fixture
def no_memory(monkeypatch):
    """`no_memory(job, until)`: passes that a job makes by itself fail until something is so."""
    monkeypatch.setattr("painter.canvas.tiles.WHOLE_PIXELS_MOST", 90 * 90)
    monkeypatch.setattr("painter.canvas.tiles.TILE_SIDE", 64)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)

    def of(job, until, what=(VGG19, "trace")):
        by_itself, failures = [], []
        take, real = job.take, getattr(*what)

        def taking(evaluation):
            by_itself.append(True)
            try:
                take(evaluation)
            finally:
                by_itself.clear()

        def failing(*given):
            if by_itself and not until():
                failures.append(1)
                raise torch.OutOfMemoryError("CUDA out of memory")
            return real(*given)

        monkeypatch.setattr(*what, failing)
        job.take = taking
        return failures

    return of


@pytest.mark.parametrize("given", PIECES.values(), ids=PIECES.keys())
def test_what_a_painting_has_no_memory_for_by_itself_goes_on_once_the_largest_failed(
    no_memory, given
):
    expected = finished(**given)._painting.step.best.canvas
    painter = small_painter()
    small, large = (begun(painter, **one) for one in (given, {**given, "size": 160}))
    failures = no_memory(small, lambda: large.finished)
    _run(_together(False, painter, [small, large]))
    assert failures == [1]
    assert (large.stopped, large.error.status) == ("failure", 507)
    assert (small.stopped, small.error) == ("steps", None)
    assert torch.equal(small._painting.step.best.canvas, expected)


def test_who_has_no_memory_once_more_at_the_same_place_fails_alone(no_memory):
    painter = small_painter()
    small, *others = (begun(painter, size=size, steps=9) for size in (128, 160, 192))
    no_memory(small, lambda: False)
    _run(_together(False, painter, [small, *others]))
    assert [job.stopped for job in (small, *others)] == ["failure", "steps", "failure"]


def test_a_step_that_was_half_taken_is_not_taken_again(no_memory):
    painter = small_painter()
    small, large = begun(painter, steps=9), begun(painter, size=128, steps=9)
    no_memory(small, lambda: False, what=(Adam, "tell"))
    _run(_together(False, painter, [small, large]))
    assert [job.stopped for job in (small, large)] == ["failure", "steps"]
