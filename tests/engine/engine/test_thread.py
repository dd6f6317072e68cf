"""The thread that owns the device, and what others see of it."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
import torch

from jobs import finished, small_painter
from painter.engine.painter import Painter
from painter.engine.scheduler import Scheduler
from painter.engine.thread import EngineThread
from painter.errors import OutOfMemory
from painter.evaluation import lanes
from painter.painting.job import Job
from painter.planning.plan import make_plan
from pictures import photo, request

LONG = {"steps": 5000}


class Held:
    """An engine with a clock that stands still, a bell, and patience for slow machines."""

    def __init__(self):
        self.now = 0.0
        self.bell = threading.Event()
        self.engine = EngineThread(small_painter, self.bell.set, lambda: self.now)
        self.engine.ask(1.0)

    def begin(self, shows=False, **given):
        """A painting that is begun and has a mailbox."""
        return self.engine.begin(make_plan(request(**given)), shows)

    def until(self, holds):
        """Waits until something holds."""
        end = time.monotonic() + 100
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.001)

    def turn(self):
        """Returns when the engine has come by once more."""
        nobody = self.begin()
        self.engine.drop(nobody)
        nobody.gone.result(100)


@pytest.fixture
def held():
    made = Held()
    yield made
    made.engine.close()


def test_a_painting_is_that_of_the_library(held):
    mailbox = held.begin(steps=9)
    held.until(lambda: mailbox.read().ended)
    news = mailbox.read()
    assert (news.error, news.progress.step) == (None, 9)
    found, expected = (
        each.canvas.arriving for each in (news.snapshot, finished(steps=9).snapshot())
    )
    assert torch.equal(found.tensor, expected.tensor)
    assert mailbox.gone.done()
    assert held.bell.is_set()
    assert held.engine.evaluations == 9


def test_nothing_is_painted_unless_somebody_asks(held):
    mailbox = held.begin(**LONG)
    held.until(lambda: mailbox.progress and mailbox.progress.step > 2)
    held.now = 1.0
    held.turn()
    before = mailbox.progress.step
    for _ in range(5):
        held.turn()
    assert mailbox.progress.step == before
    late = held.begin(steps=1)
    held.turn()
    assert late.progress is None
    held.engine.ask(2.0)
    held.until(lambda: late.read().ended and mailbox.progress.step > before)


def test_who_is_dropped_takes_no_more_turns(held, monkeypatch):
    turns = []
    take = Job.take
    monkeypatch.setattr(Job, "take", lambda job, found: (turns.append(job), take(job, found)))
    stays, leaves = held.begin(**LONG), held.begin(**LONG)
    held.until(lambda: stays.progress and leaves.progress)
    held.engine.drop(leaves)
    leaves.gone.result(100)
    turns.clear()
    before = stays.progress.step
    held.until(lambda: stays.progress.step > before + 5)
    assert len(set(turns)) == 1
    assert not leaves.read().ended


def test_turns_are_fair_and_newcomers_wait_for_none(held, monkeypatch):
    turns = []
    evaluate = lanes.evaluate
    monkeypatch.setattr(
        lanes, "evaluate", lambda vgg, views: (turns.append(len(views)), evaluate(vgg, views))[1]
    )
    told = []
    take = Job.take
    monkeypatch.setattr(
        Job, "take", lambda job, found: (told.append(job.options.seed), take(job, found))[1]
    )
    first = held.begin(seed=1, **LONG)
    held.until(lambda: first.progress and first.progress.step > 5)
    second = held.begin(seed=2, **LONG)
    held.until(lambda: second.progress and second.progress.step > 30)
    assert set(turns) == {1}
    arrived = told.index(2)
    begun = next(place for place in range(arrived, len(told)) if told[place] == 1)
    assert told[begun : begun + 20] == [1, 2] * 10


def test_a_preview_is_taken_when_it_is_due_and_the_one_before_was_read(held):
    mailbox = held.begin(shows=True, preview_every=0.5, **LONG)
    hidden = held.begin(preview_every=0.5, **LONG)

    def steps_on():
        before = mailbox.progress.step
        held.until(lambda: mailbox.progress.step > before + 3)

    held.until(lambda: mailbox._news.preview)
    first = mailbox.read().preview
    assert (first.level, first.step) == (1, 1)
    steps_on()
    assert mailbox.read().preview is None
    held.now += 0.5
    held.until(lambda: mailbox._news.preview)
    kept = mailbox._news.preview
    held.now += 0.25
    held.engine.ask(100.0)
    held.now += 0.5
    steps_on()
    assert mailbox.read().preview is kept
    assert hidden.read().preview is None


def test_what_cannot_be_begun_ends_with_its_error_alone(held, monkeypatch):
    start = Painter.start

    def failing(painter, plan):
        if plan.shape == (96, 128):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return start(painter, plan)

    monkeypatch.setattr(Painter, "start", failing)
    bad, good = held.begin(size=128), held.begin(steps=3)
    held.until(lambda: bad.read().ended and good.read().ended)
    assert isinstance(bad.read().error, OutOfMemory)
    assert (bad.read().progress, bad.read().snapshot) == (None, None)
    assert bad.gone.done()
    assert good.read().error is None


def test_where_a_beginning_finds_no_memory_the_largest_painting_fails_alone(held, monkeypatch):
    start, tries = Painter.start, []

    def failing(painter, plan):
        if plan.options.seed == 2:
            tries.append(plan)
            if len(tries) == 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
        return start(painter, plan)

    monkeypatch.setattr(Painter, "start", failing)
    large, other = held.begin(size=128, **LONG), held.begin(size=80, **LONG)
    held.until(lambda: large.progress and other.progress)
    new = held.begin(seed=2, steps=3)
    held.until(lambda: new.read().ended)
    assert (new.read().error, new.read().progress.step) == (None, 3)
    assert large.read().error.status == 507
    assert not other.read().ended


def test_a_defect_in_a_snapshot_ends_its_painting_alone(held, monkeypatch):
    snapshot = Job.snapshot
    monkeypatch.setattr(
        Job, "snapshot", lambda job: 1 / 0 if job.options.seed == 2 else snapshot(job)
    )
    bad, good = held.begin(steps=3, seed=2), held.begin(steps=3)
    held.until(lambda: bad.read().ended and good.read().ended)
    assert (bad.read().error.status, good.read().error) == (500, None)


@pytest.mark.parametrize(
    "error",
    [torch.AcceleratorError("CUDA error: an illegal memory access"), ValueError("a defect")],
    ids=str,
)
def test_a_lost_device_or_a_broken_turn_ends_it_all(held, monkeypatch, error):
    mailbox = held.begin(**LONG)
    held.until(lambda: mailbox.progress)

    def lose(*_):
        raise error

    held.bell.clear()
    if isinstance(error, ValueError):
        monkeypatch.setattr(Scheduler, "advance", lose)
    else:
        monkeypatch.setattr(lanes, "evaluate", lose)
    mailbox.gone.result(100)
    held.until(held.bell.is_set)
    assert held.engine.lost
    assert not mailbox.read().ended


def test_a_painter_that_cannot_be_made_is_told_to_whoever_asked():
    with pytest.raises(ZeroDivisionError):
        EngineThread(lambda: 1 / 0)


@pytest.mark.parametrize(("device", "intervals"), [("cpu", []), ("cuda", [5e-4])])
def test_on_cuda_python_switches_threads_sooner(monkeypatch, device, intervals):
    found = []
    monkeypatch.setattr("painter.engine.thread.sys.setswitchinterval", found.append)
    painter = SimpleNamespace(vgg=SimpleNamespace(device=torch.device(device)))
    EngineThread(lambda: painter).close()
    assert found == intervals


def test_all_that_computes_runs_on_one_thread(held, monkeypatch):
    threads = set()
    for name in ("start", "snapshot", "preview_snapshot", "take"):
        owner = Painter if name == "start" else Job
        real = getattr(owner, name)

        def noted(*given, real=real):
            threads.add(threading.current_thread().name)
            return real(*given)

        monkeypatch.setattr(owner, name, noted)
    mailbox = held.begin(shows=True, steps=5, content=photo(64, 64))
    held.until(lambda: mailbox.read().ended)
    assert threads == {"engine"}
