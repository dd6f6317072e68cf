"""Where paintings run: in one lane, or spread over those of a GPU."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch

from jobs import small_painter, small_vgg_once
from painter.engine.scheduler import Scheduler
from painter.evaluation import lanes as module
from painter.evaluation.lanes import AHEAD, GraphLane, Lanes, Pace
from painter.optimizers.adam import STEP
from pictures import photo, request


class Again:
    """As a graph does it, without a device."""

    def __init__(self, device):
        self.recorded = 0

    def record(self, work):
        self.recorded += 1
        return work

    def forget(self):
        pass


def _lanes(monkeypatch, used, is_fused=True):
    """As on CUDA, with streams that only tell when they are used."""

    class Stream:
        def __init__(self, device):
            self.device = device

    @contextmanager
    def stream(which):
        used.append(which)
        yield

    monkeypatch.setattr(module, "GraphRecorder", Again)
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", stream)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2**34, 2**34))
    return Lanes(small_vgg_once(torch.float32), with_graphs=True, is_fused=is_fused)


def test_paintings_are_spread_over_the_lanes(monkeypatch):
    lanes = _lanes(monkeypatch, [])
    paintings = [type("Painting", (), {})() for _ in range(6)]
    taken = []
    for painting in paintings:
        lane = lanes.freest()
        lane.paintings.add(painting)
        taken.append(lane)
    assert len(set(taken)) == module.LANES == 4
    assert 0 < sum(lane._replay._most_bytes for lane in taken[:4]) <= lanes.bytes == 2**32
    del paintings[1], painting
    assert lanes.freest() in (taken[1], taken[2], taken[3])


@pytest.mark.parametrize("is_fused", [True, False])
def test_kernels_are_fused_in_lanes_with_graphs_unless_they_are_not_to_be(monkeypatch, is_fused):
    monkeypatch.setattr("painter.device.fusing.runs_on", lambda device: True)
    canvas = torch.empty(0)
    with Lanes(small_vgg_once(torch.float32), with_graphs=False).freest().active():
        assert not STEP.serves(canvas)
    with _lanes(monkeypatch, [], is_fused).freest().active():
        assert STEP.serves(canvas) == is_fused
    assert not STEP.serves(canvas)


def test_a_painting_stays_in_its_lane_and_is_the_one_that_it_is_elsewhere(monkeypatch):
    used = []
    painter, plain = small_painter(), small_painter()
    painter.lanes = _lanes(monkeypatch, used)
    given = [{}, {"content": photo(seed=2), "alpha": 3}, {"optimizer": "lbfgs"}]
    jobs = [painter.begin(request(steps=20, **one)) for one in given]
    assert all(isinstance(job.lane, GraphLane) for job in jobs)
    scheduler = Scheduler(painter)
    for job in jobs:
        scheduler.add(job)
    for _ in scheduler.run(1):
        pass
    assert len({id(stream) for stream in used}) == 3
    for job, one in zip(jobs, given, strict=True):
        assert job.lane._replay._recorder.recorded
        alone = plain.begin(request(steps=20, **one))
        alone.run()
        found, expected = (each.snapshot().canvas.arriving.tensor for each in (job, alone))
        assert torch.equal(found, expected)


def test_the_host_is_some_evaluations_ahead_of_the_device_and_no_more(monkeypatch):
    waited = []

    class Event:
        count = 0

        def record(self):
            self.number = Event.count
            Event.count += 1

        def synchronize(self):
            waited.append(self.number)

    monkeypatch.setattr(torch.cuda, "Event", Event)
    pace = Pace(torch.device("cuda"))
    for done in range(20):
        pace.wait()
        assert waited == list(range(done - AHEAD + 1))


def test_without_graphs_all_share_one_lane():
    lanes = Lanes(small_vgg_once(torch.float32), with_graphs=False)
    lane = lanes.freest()
    lane.paintings.add(lanes)
    assert lanes.freest() is lane
    assert not lane.shares
