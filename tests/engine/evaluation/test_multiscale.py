"""A canvas on all levels at once: the same as one after the other, and joined whatever happens."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch

from jobs import small_painter
from painter.device.streams import Streams
from painter.evaluation import multiscale
from painter.evaluation.multiscale import MultiscaleEvaluation, evaluate_whole
from painter.evaluation.passes import evaluate
from pictures import photo, request


class Told(Streams):
    """Says when it forks and joins."""

    def __init__(self):
        super().__init__(torch.device("cpu"), 0)
        self.calls = []

    @contextmanager
    def forked(self):
        self.calls.append("fork")
        yield

    def join(self):
        self.calls.append("join")


def _view():
    painter = small_painter()
    job = painter.begin(request(content=photo(96, 128), size=256, levels=3, style_loss="sliced"))
    while job.pending is None or job.pending.objective.coarser is None:
        job.advance()
    return painter.vgg, job.pending


def test_the_whole_is_what_the_levels_add_up_to():
    vgg, view = _view()
    streams, one_by_one = Told(), MultiscaleEvaluation(vgg, view)
    found = None
    while found is None:
        found = one_by_one.take(evaluate(vgg, [one_by_one.view])[0])
    whole = evaluate_whole(vgg, view, streams)
    assert whole.is_whole
    assert torch.equal(whole.gradient, found.gradient)
    assert torch.equal(whole.terms, found.terms)
    assert whole.objective_value == found.objective_value
    assert streams.calls == ["fork", "join"]
    assert MultiscaleEvaluation(vgg, view).take(whole) is whole


@pytest.mark.parametrize("fails_at", [1, 2])
def test_what_was_forked_is_joined_when_a_pass_fails(monkeypatch, fails_at):
    vgg, view = _view()
    passes = []

    def fails(*given):
        passes.append(1)
        if len(passes) == fails_at:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return evaluate(*given)

    monkeypatch.setattr(multiscale, "evaluate", fails)
    streams = Told()
    with pytest.raises(torch.OutOfMemoryError):
        evaluate_whole(vgg, view, streams)
    assert streams.calls == ["fork", "join"]
