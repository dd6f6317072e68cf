"""What headers tell is an upper bound of what decoding brings, and costs no decoding."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from files import png16, save
from jobs import small_painter
from painter.engine.memory import bytes_kept, bytes_needed
from painter.errors import Malformed, NotAnImage, OutOfMemory, OutOfRange, TooLarge
from painter.planning.outline import outline
from painter.planning.plan import make_plan
from pictures import photo, png, request, stripes

CLEAR = png(np.dstack([np.full((48, 64, 3), 120), [[255] * 32 + [0] * 32] * 48]))
LEFT = png([[255] * 32 + [0] * 32] * 48)
DEEP = png16(np.full((60, 90, 3), 30000))
TURNED = save(
    Image.new("RGB", (90, 60), "teal"),
    "jpeg",
    exif=b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0",
)
REQUESTS = {
    "plain": {},
    "large": {"size": 512},
    "one level": {"size": 512, "levels": 1},
    "lbfgs": {"optimizer": "lbfgs"},
    "an alpha channel": {"content": CLEAR, "styles": [CLEAR]},
    "16 bit": {"content": DEEP, "styles": [DEEP]},
    "turned": {"content": TURNED, "size": 128},
    "a large style": {"styles": [photo(600, 400)]},
    "styles and masks": {"styles": [stripes(), photo(seed=3)], "masks": {1: LEFT}},
    "all masks": {"styles": [CLEAR], "style_masks": {1: LEFT}, "content_mask": LEFT},
    "scales": {"styles": [stripes(), photo(seed=3)], "style_scale": "[0.5, 4]"},
    "luminance": {"color": "luminance"},
    "matched": {"color": "match", "color_strength": 0.5},
    "guided": {"color": "guided", "styles": [stripes(), photo(seed=3)], "masks": {1: LEFT}},
    "a palette": {"palette": photo(600, 400)},
    "a palette, guided": {"palette": CLEAR, "color": "guided"},
    "a canvas": {"canvas": photo(96, 128), "init": "image"},
    "a small canvas": {"canvas": photo(24, 32), "init": "image"},
}


@pytest.mark.parametrize("asked", REQUESTS)
def test_a_plan_takes_what_its_headers_told(asked):
    made = request(**REQUESTS[asked])
    told, plan = outline(made), make_plan(made)
    assert [level.shape[::-1] for level in plan.levels] in (
        [level.shape for level in told.plan.levels],
        [level.shape[::-1] for level in told.plan.levels],
    )
    for measure in (bytes_kept, lambda one: bytes_needed(one, torch.float32)):
        assert measure(plan) <= measure(told.plan) <= 1.5 * measure(plan)
    assert told.files == sum(map(len, made.pictures.values()))


TEXT, SHORT = b"no picture", photo()[:200]
REFUSED = {
    "a text": ({"styles": [TEXT]}, NotAnImage, "style"),
    "a text among styles": ({"styles": [stripes(), TEXT]}, NotAnImage, "style_2"),
    "nothing": ({"content_mask": b""}, Malformed, "content_mask"),
    "no palette": ({"palette": TEXT}, NotAnImage, "palette"),
    "tiny": ({"content": photo(8, 8)}, OutOfRange, "content"),
    "narrow": ({"content": photo(20, 600)}, OutOfRange, "content"),
    "too few scales": ({"style_scale": "[1, 2]"}, OutOfRange, "style_scale"),
}


@pytest.mark.parametrize("asked", REFUSED)
def test_what_headers_are_enough_to_refuse_is_refused(asked):
    given, kind, field = REFUSED[asked]
    with pytest.raises(kind) as caught:
        outline(request(**given))
    assert caught.value.field == field


def test_pictures_that_are_too_large_are_refused_alone_and_together(monkeypatch):
    monkeypatch.setattr("painter.pictures.decoding.PIXELS_MOST", 64 * 64)
    monkeypatch.setattr("painter.pictures.decoding.TOGETHER_MOST", 64 * 64)
    with pytest.raises(TooLarge, match="style must have at most 4096 pixels, got 65 x 64"):
        outline(request(styles=[photo(64, 65)]))
    with pytest.raises(TooLarge, match="together, got 7168"):
        outline(request())


def test_what_is_broken_behind_its_header_is_left_to_the_decoder():
    assert outline(request(content=SHORT)).plan.shape == (48, 64)


def test_what_would_not_fit_alone_names_field_and_both_numbers():
    painter = small_painter()
    made = request(content=DEEP, styles=[photo(2000, 2000)])
    painter.memory_bytes = 100 * 2**20
    with pytest.raises(OutOfMemory) as caught:
        painter.foresee(made)
    assert caught.value.field == "style"
    assert caught.value.detail == (
        "style: to decode 2000 x 2000 px needs about 108 MiB, and there are 100 MiB"
    )
    painter.memory_bytes = 2**30
    assert painter.foresee(made).largest == ("style", (2000, 2000))
    with pytest.raises(
        OutOfMemory, match="size: a painting of .* px needs about .* MiB, and there"
    ):
        painter.foresee(request(size=4096))


def test_planning_takes_no_more_than_was_told():
    """All that decoding, resizing and coloring take at once, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", "import planning_peaks; planning_peaks.main()"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    found = json.loads(done.stdout)
    assert len(found) == 11
    for kind, (told, peak) in found.items():
        assert (kind, peak <= told) == (kind, True), (kind, peak, told)
        assert (kind, told < 4 * peak) == (kind, True), (kind, peak, told)
