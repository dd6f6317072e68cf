"""Evaluations replayed on buffers of their own: as any other, whatever was there before."""

from __future__ import annotations

import logging

import pytest
import torch

from jobs import best_total, small_painter, small_vgg_once
from painter.device.streams import Streams
from painter.evaluation.passes import evaluate
from painter.evaluation.replay import Replay
from pictures import photo, png, request, stripes

LEFT = png([[255] * 32 + [0] * 32] * 48)
KINDS = {
    "defaults": {"size": 128},
    "wasserstein": {"style_loss": "wasserstein"},
    "sampled": {"style_loss": "relaxed_transport", "content_loss": "l2,self_similarity"},
    "neighbors": {"style_loss": "neighbors:1,gram:1"},
    "masks": {"styles": [stripes(), photo(seed=3)], "masks": {1: LEFT}, "content_mask": LEFT},
    "lbfgs": {"optimizer": "lbfgs", "levels": 1},
}
OTHER = {"content": photo(seed=5), "alpha": 3, "beta": 2, "tv": 9}


@pytest.fixture(autouse=True)
def often_judged(monkeypatch):
    """So that each kind of evaluation comes twice in a short painting."""
    monkeypatch.setattr("painter.painting.descent.JUDGED_EVERY", 4)


class Again:
    """As a graph does it, without a device: work that was recorded runs again."""

    def __init__(self):
        self.recorded = 0
        self.forgotten = 0

    def record(self, work):
        self.recorded += 1
        return work

    def forget(self):
        self.forgotten += 1


def _painted(evaluator, **given):
    """The best canvas of a painting, and its total."""
    job = small_painter().begin(request(**{"steps": 80, **given}))
    job.lane.evaluate = evaluator
    job.run()
    return job._painting.step.best.canvas.clone(), best_total(job)


def _plain(views):
    return evaluate(small_vgg_once(torch.float32), views)


def _replay(most_bytes=2**30):
    vgg = small_vgg_once(torch.float32)
    return Replay(vgg, Again(), Streams(vgg.device, 0), most_bytes)


def _poison(replay):
    """No number of the painting before is left anywhere."""
    for slot in replay._slots.values():
        for tensor in (*slot._inputs, slot._view.canvas, slot._evaluation.terms):
            tensor.fill_(torch.nan if tensor.is_floating_point() else 0)
        slot._source = lambda: None


@pytest.mark.parametrize("given", KINDS.values(), ids=KINDS.keys())
def test_a_replayed_painting_is_the_plain_one(given):
    replay = _replay()
    assert torch.equal(_painted(replay, **given)[0], _painted(_plain, **given)[0])
    assert replay._recorder.recorded == len(replay._slots) > 0


@pytest.mark.parametrize("given", KINDS.values(), ids=KINDS.keys())
def test_a_second_painting_in_used_buffers_is_that_of_fresh_ones(given):
    replay, other = _replay(), {**given, **OTHER}
    _painted(replay, **given)
    recorded = replay._recorder.recorded
    _poison(replay)
    assert torch.equal(_painted(replay, **other)[0], _painted(_plain, **other)[0])
    assert replay._recorder.recorded == recorded


def test_paintings_that_take_turns_in_the_same_buffers_do_not_meet():
    replay = _replay()
    jobs = [small_painter().begin(request(steps=12, **given)) for given in ({}, OTHER)]
    for job in jobs:
        job.lane.evaluate = replay
    while not all(job.finished for job in jobs):
        for job in jobs:
            if not job.finished:
                job.advance()
    for job, given in zip(jobs, ({}, OTHER), strict=True):
        assert torch.equal(job._painting.step.best.canvas, _painted(_plain, steps=12, **given)[0])


def test_what_has_the_same_tensors_for_something_else_is_another_kind():
    """One layer for both: a content mask's weights look like those of a style's part."""
    one_layer = {"content_layers": "conv4_1", "style_layers": "conv4_1", "levels": 1}
    replay = _replay()
    for mask in ({"content_mask": LEFT}, {"masks": {1: LEFT}}):
        given = {**one_layer, **mask, "steps": 8}
        assert torch.equal(_painted(replay, **given)[0], _painted(_plain, **given)[0])


def test_what_cannot_be_recorded_is_evaluated_and_told_once(caplog):
    replay = _replay()

    def fails(work):
        raise RuntimeError("operation not permitted when stream is capturing\nand more")

    replay._recorder.record = fails
    with caplog.at_level(logging.WARNING):
        found = _painted(replay, levels=1, averaging=0, optimizer="lbfgs")
    assert torch.equal(found[0], _painted(_plain, levels=1, averaging=0, optimizer="lbfgs")[0])
    told = "64 x 48 px are not replayed: operation not permitted when stream is capturing"
    assert [record.message for record in caplog.records] == [told]


def test_slots_beyond_the_budget_are_dropped_together():
    replay = _replay(most_bytes=1)
    assert torch.equal(_painted(replay)[0], _painted(_plain)[0])
    assert replay._recorder.forgotten > 0


def test_a_recording_that_finds_no_memory_drops_all_and_the_painting_goes_on():
    replay = _replay()
    _painted(replay)
    replay._recorder.record = _no_memory
    found = _painted(replay, content=photo(80, 60))
    assert torch.equal(found[0], _painted(_plain, content=photo(80, 60))[0])
    assert replay._recorder.forgotten > 0


def _no_memory(work):
    raise torch.OutOfMemoryError("CUDA out of memory")


def test_a_finished_painting_is_not_kept_by_its_slot():
    replay = _replay()
    _painted(replay)
    sources = [slot._source() for slot in replay._slots.values()]
    assert sources == [None] * len(sources) != []


def test_kinds_are_forgotten_when_there_are_many(monkeypatch):
    monkeypatch.setattr("painter.evaluation.replay._KINDS_MOST", 3)
    replay = _replay()
    for side in (64, 80, 96):
        given = {"content": photo(side, 64), "steps": 12}
        assert torch.equal(_painted(replay, **given)[0], _painted(_plain, **given)[0])
        assert len(replay._kinds) <= 4 + 1
    assert replay._recorder.forgotten > 0


def test_what_is_seen_on_more_levels_is_another_kind():
    replay = _replay()
    for levels in (1, 2, 3):
        given = {"content": photo(96, 128), "size": 256, "levels": levels, "steps": 30}
        assert torch.equal(_painted(replay, **given)[0], _painted(_plain, **given)[0])
