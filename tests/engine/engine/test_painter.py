"""The engine as a whole, with the real network at 64 px."""

from __future__ import annotations

import json
import math

import pytest
import torch

from jobs import best_total, small_painter
from painter.device.compute import DeviceMissing, fastest_type, usable_device
from painter.engine.painter import Painter
from painter.evaluation.lanes import Lanes
from painter.network.weights import WeightsError
from painter.options.presets import PRESETS
from painter.pictures.picture import decode
from pictures import photo, request, stripes

STEPS = 20


@pytest.fixture(scope="module")
def real(weights):
    """The painter that is served."""
    return Painter(weights)


def _evaluated(painter, **given):
    """A job after its first evaluation, however slow the machine is."""
    job = painter.begin(request(**given))
    job.run(until=lambda: job.progress.losses is not None)
    return job


def _painted(painter, **given):
    job = painter.begin(request(**given))
    job.run()
    assert job.error is None
    return job


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_brings_the_canvas_to_its_style(real, preset):
    job = _evaluated(real, preset=preset, steps=STEPS, size=64)
    before = job.progress.losses.total
    job.run()
    assert job.error is None
    assert best_total(job) < 0.7 * before


def test_the_painting_has_the_styles_colors_where_the_photo_had_its_own(real):
    job = _painted(real, steps=20, optimizer="lbfgs", alpha=0.1)
    found = decode(job.result().data, "content").pixels.mean((1, 2))
    content, style = (decode(data, "x").pixels.mean((1, 2)) for data in (photo(), stripes()))
    assert float((found - style).norm()) < 0.6 * float((content - style).norm())


def test_same_request_same_pixels(real):
    one, other = (_painted(real, steps=5, init_noise=0.2, seed=3) for _ in range(2))
    assert torch.equal(one._painting.step.best.canvas, other._painting.step.best.canvas)


def test_recordings_take_their_memory_from_that_of_paintings(weights, monkeypatch):
    monkeypatch.setattr("painter.engine.painter.bytes_usable", lambda where: 2**30)
    monkeypatch.setattr(Lanes, "bytes", 2**20, raising=False)
    monkeypatch.setattr(Lanes, "__init__", lambda *given: None)
    painter = Painter(weights)
    assert (painter.memory_bytes, painter.host_bytes) == (2**30 - 2**20, 2**30)


def test_the_first_evaluation_is_of_the_order_of_one(real):
    losses = _evaluated(real, init="noise").progress.losses
    for loss in (*losses.content_by_layer.values(), *losses.style_by_layer.values()):
        assert 1e-6 < loss < 1e3


def test_a_content_loss_is_zero_for_the_photo_itself(real):
    losses = _evaluated(real).progress.losses
    assert losses.content == pytest.approx(0, abs=1e-3)
    assert losses.style > 0.05


def test_warming_up_paints(real):
    before = real.describe()["style_cache"]["entries"]
    real.warm_up()
    assert real.describe()["style_cache"]["entries"] >= max(before, 1)


def test_the_description_is_json_and_tells_the_origin(real):
    told = real.describe()
    assert json.loads(json.dumps(told)) == told
    assert len(told["weights"]["sha256"]) == 64
    assert told["weights"]["source"]
    assert told["device"] == "cpu"
    assert set(told["style_cache"]) == {"entries", "bytes", "hits", "misses"}


def test_weights_that_are_not_there_are_named(tmp_path):
    with pytest.raises(WeightsError, match="no weights at .*nothing.safetensors"):
        Painter(tmp_path / "nothing.safetensors")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_not_there_is_missed():
    with pytest.raises(DeviceMissing, match="cuda"):
        usable_device("cuda")


@pytest.mark.parametrize(("built_in", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_card_that_only_emulates_bfloat16_paints_in_float32(monkeypatch, built_in, dtype):
    def supported(including_emulation=True):
        return built_in or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    assert fastest_type(torch.device("cuda")) == dtype


def test_an_inspected_request_is_not_begun():
    painter = small_painter()
    plan = painter.inspect(request(size=128))
    assert plan.shape == (96, 128)
    assert painter.describe()["style_cache"]["entries"] == 0
    assert math.isfinite(painter.start(plan).progress.losses.total)
