"""A step never has the host wait for the device: counted, and run where no value can be read."""

from __future__ import annotations

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from devices import CUDA, Counting, Elsewhere, Poisoning
from jobs import painted
from painter.optimizers import lbfgs
from painter.planning.plan import make_plan
from pictures import photo, png, request, stripes

LEFT = png([[255] * 32 + [0] * 32] * 48)
CASES = {
    "defaults": {},
    "levels": {"size": 128},
    "average pooling": {"pooling": "average", "tv": 0},
    "every layer": {"content_layers": "all", "style_layers": "all"},
    "wasserstein": {"style_loss": "wasserstein"},
    "two styles in masks": {"styles": [stripes(), photo(seed=3)], "masks": {1: LEFT}},
    "content mask": {"content_mask": LEFT},
    "wasserstein in a mask": {"style_loss": "wasserstein", "masks": {1: LEFT}},
    "sliced": {"style_loss": "sliced", "size": 128},
    "sliced in a mask": {"style_loss": "sliced", "masks": {1: LEFT}},
    "neighbors": {"size": 128, "style_loss": "neighbors:1,gram:1"},
    "a pyramid": {"size": 128, "canvas_space": "pyramid"},
    "tiles": {"size": 128},
    "sampled": {"style_loss": "relaxed_transport:1,gram:1", "content_loss": "self_similarity"},
    "tiles, neighbors, a mask": {"size": 128, "style_loss": "neighbors", "masks": {1: LEFT}},
    "seamless": {"size": 80, "seamless": "both", "masks": {1: LEFT}},
    "tiles, seamless": {"size": 128, "seamless": "x"},
    "tiles, sliced, a mask": {"size": 128, "style_loss": "sliced", "masks": {1: LEFT}},
    "tiles, wasserstein, a mask": {"size": 128, "style_loss": "wasserstein", "masks": {1: LEFT}},
}


# Kernels of a step of the defaults at 512 px, with its four views, without fused ones and with
# them: DESIGN states both.
BUDGET, FUSED_BUDGET = 1030, 440


@pytest.fixture
def small(monkeypatch):
    """Canvases of over 90 px are cut into tiles, and averages are judged at every other step."""
    monkeypatch.setattr("painter.canvas.tiles.WHOLE_PIXELS_MOST", 90 * 90)
    monkeypatch.setattr("painter.canvas.tiles.TILE_SIDE", 64)
    monkeypatch.setattr("painter.painting.descent.JUDGED_EVERY", 2)


def _elsewhere(monkeypatch, **given):
    return Elsewhere(make_plan(request(**{"steps": 200, **given})), monkeypatch)


@pytest.mark.parametrize("given", CASES.values(), ids=CASES.keys())
@pytest.mark.usefixtures("small")
def test_steps_of_adam_read_and_copy_nothing(given, monkeypatch, caplog):
    elsewhere = _elsewhere(monkeypatch, **given)
    plain, fused = (elsewhere.count(1, 2, is_fused) for is_fused in (False, True))
    assert fused.kernels.total() < plain.kernels.total()
    assert not plain.reads + fused.reads
    assert not plain.copies + fused.copies
    assert not caplog.records  # of a kernel that was left out


SEARCHED = ["defaults", "tiles, wasserstein, a mask", "tiles, sliced, a mask"]


@pytest.mark.parametrize("name", SEARCHED)
@pytest.mark.usefixtures("small")
def test_an_evaluation_of_lbfgs_has_one_read(name, monkeypatch):
    reads = []

    def told(*scalars):
        """What a line search wants to hear, so that it takes every step."""
        reads.append(scalars)
        return [1.0, -1.0] if len(scalars) == 2 else [0.5, -1.0, 1.0, -1.0, 1.0]

    monkeypatch.setattr(lbfgs, "read", told)
    counting = _elsewhere(monkeypatch, optimizer="lbfgs", **CASES[name]).count(1, 4)
    assert not counting.reads
    assert not counting.copies
    assert len(reads) == 4


def test_a_step_of_the_defaults_keeps_to_its_budget(monkeypatch):
    elsewhere = _elsewhere(monkeypatch, size=512)
    plain, fused = (elsewhere.count(1, 1, is_fused) for is_fused in (False, True))
    assert BUDGET / 2 < plain.kernels.total() <= BUDGET
    assert FUSED_BUDGET / 2 < fused.kernels.total() <= FUSED_BUDGET


def test_what_reads_or_copies_is_seen():
    with Counting() as counting:
        float(torch.ones(()))
    assert counting.reads
    with FakeTensorMode(), Counting() as counting:
        torch.empty(3, device=CUDA).copy_(torch.empty(3))
        torch.tensor(1.0, device=CUDA)
    assert counting.copies.total() == 2
    with FakeTensorMode(), pytest.raises(RuntimeError):
        float(torch.empty((), device=CUDA))


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
@pytest.mark.usefixtures("small")
def test_a_painting_reads_no_memory_that_nobody_wrote(optimizer):
    given = {"size": 128, "steps": 12, "optimizer": optimizer, "masks": {1: LEFT}}
    expected = painted(**given)
    with Poisoning() as poisoning:
        found = painted(**given)
    assert poisoning.poisoned
    assert torch.equal(found, expected)
