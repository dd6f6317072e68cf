"""Every option has an effect on what comes out."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
import torch
from PIL import Image

from jobs import begun, finished, painted, small_painter, step
from painter.engine.scheduler import Scheduler
from painter.options.catalog import SPECS
from pictures import photo, png, stripes

# For each option that changes pixels: one value, another one, and what else is asked for.
PIXELS = {
    "preset": ("bruno", "gatys", {}),
    "alpha": (1, 50, {}),
    "beta": (1, 500, {}),
    "content_layers": ("conv1_1", "conv4_2", {"alpha": 50}),
    "style_layers": ("conv1_1", "relu3_1", {}),
    "size": (64, 80, {}),
    "steps": (2, 12, {}),
    "levels": (1, 2, {"size": 128}),
    "optimizer": ("adam", "lbfgs", {}),
    "canvas_space": ("pixels", "pyramid", {}),
    "learning_rate": (0.01, 0.1, {}),
    "init_noise": (0, 0.5, {}),
    "content_loss": ("l2:50", "self_similarity:50", {}),
    "style_loss": ("gram", "gram:1,wasserstein:1", {}),
    "style_scale": (0.5, 2, {"styles": [photo(64, 64, seed=3)]}),
    "pooling": ("max", "average", {}),
    "tv": (0, 100, {}),
    "color_strength": (0.2, 1, {"color": "match"}),
    "averaging": (0, 0.9, {"steps": 24}),
}
CHOICES = {
    "init": [("content", {}), ("noise", {}), ("style", {}), ("image", {"canvas": stripes()})],
    "seamless": [("none", {}), ("x", {}), ("y", {}), ("both", {})],
    "color": [("style", {}), ("luminance", {}), ("match", {}), ("guided", {})],
}
# Those that change no pixels by what they are for: each has a test of its own below.
OTHERS = {"seed", "reproducible", "max_seconds", "format", "quality", "preview_every"}


def test_no_option_is_left_out():
    assert {*PIXELS, *CHOICES, *OTHERS} == set(SPECS)


def _differ(one, other):
    return one.shape != other.shape or float((one - other).abs().mean()) > 1 / 2550


@pytest.mark.parametrize("name", PIXELS)
def test_option_changes_the_painting(name):
    value, other, beside = PIXELS[name]
    given = {"size": 64, **beside}
    if name == "preset":
        given = {"size": 64, "steps": 4}
    one, another = (painted(**{**given, name: choice}) for choice in (value, other))
    assert _differ(one, another)


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_has_a_painting_of_its_own(name):
    found = [painted(**{name: choice, **beside}) for choice, beside in CHOICES[name]]
    for index, one in enumerate(found):
        assert all(_differ(one, other) for other in found[:index])


@pytest.mark.parametrize("given", [{"init": "noise"}, {"init_noise": 0.3}], ids=str)
def test_seed_changes_what_has_noise_in_it(given):
    assert torch.equal(painted(seed=1, **given), painted(seed=1, **given))
    assert _differ(painted(seed=1, **given), painted(seed=2, **given))


def test_without_noise_the_seed_changes_nothing():
    assert torch.equal(painted(seed=1), painted(seed=2))


def test_max_seconds_ends_with_the_best_so_far():
    scheduler, job = Scheduler(small_painter()), begun(steps=5000, max_seconds=0.6)
    scheduler.add(job)
    started = time.monotonic()
    for _ in scheduler.run(0.1):
        pass
    assert time.monotonic() - started < 3
    assert job.stopped == "deadline"
    assert 1 <= job.result().record["steps"] < 5000
    assert job.incomplete is None


def test_a_deadline_before_the_first_step_is_no_lost_painting():
    started = time.monotonic()
    job = begun(max_seconds=1e-6)
    assert time.monotonic() - started < 1.5
    assert job.finished
    assert job.stopped == "deadline"
    assert job.result().width == 64


@pytest.mark.parametrize("format", SPECS["format"].choices)
def test_format(format):
    result = finished(format=format, steps=1).result()
    image = Image.open(io.BytesIO(result.data))
    assert image.format.lower() == format.removesuffix("16")
    assert result.media_type == Image.MIME[image.format]
    assert image.size == (result.width, result.height) == (64, 48)


@pytest.mark.parametrize("format", ["jpeg", "webp"])
def test_quality(format):
    small, large = (
        len(finished(format=format, quality=quality, steps=1).result().data) for quality in (5, 95)
    )
    assert small < 0.7 * large


@pytest.mark.parametrize("private", [{"reproducible": True}, {"optimizer": "lbfgs"}], ids=str)
def test_what_must_not_depend_on_neighbors_has_a_private_pass(private):
    painter = small_painter()
    scheduler = Scheduler(painter)
    painter.lanes.freest().shares = True
    for more in ({}, private, {}, private):
        scheduler.add(begun(painter, steps=9, **more))
    groups = [scheduler._next_group() for _ in range(3)]
    assert [len(group) for group in groups] == [2, 1, 1]


def test_preview_every_is_told_to_who_asks_for_previews_and_changes_no_pixels():
    jobs = [finished(preview_every=every) for every in (0, 0.5)]
    assert [job.options.preview_every for job in jobs] == [0, 0.5]
    assert [job.accepted["options"]["preview_every"] for job in jobs] == [0, 0.5]
    assert torch.equal(*(job._painting.step.best.canvas for job in jobs))


def test_previews_and_slices_change_no_pixels():
    shown = begun(steps=12)
    while not shown.finished:
        shown.preview()
        step(shown)
    plain = finished(steps=12)
    assert torch.equal(shown._painting.step.best.canvas, plain._painting.step.best.canvas)


def test_masks_and_their_kin_change_the_painting():
    left = png(np.repeat([[255] * 32 + [0] * 32], 48, axis=0))
    plain = painted()
    beside = {"styles": [photo(48, 64, seed=3)], "alpha": 50, "init": "noise"}
    for given in ({"masks": {1: left}}, {"content_mask": left}, {"style_masks": {1: left}}):
        assert _differ(painted(**beside), painted(**beside, **given))
    assert not _differ(plain, painted(masks={1: png(np.full((48, 64), 255))}))


@pytest.mark.parametrize("color", ["style", "guided"])
def test_a_palette_changes_the_painting_and_is_told(color):
    green = png(np.tile([[[30, 200, 60], [10, 90, 20]]], (32, 16, 1)))
    plain, job = painted(color=color), finished(color=color, palette=green)
    assert _differ(plain, job.snapshot().canvas.finished())
    red, green, blue = job.snapshot().canvas.finished().mean((1, 2))
    assert green > max(red, blue)


def test_style_weights_change_the_painting():
    styles = [stripes(), photo(64, 64, seed=3)]
    assert _differ(painted(styles=styles), painted(styles=styles, style_weights=(1, 9)))
