"""Requests with small pictures, for tests of plans and jobs."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from painter.options.reading import read_options
from painter.options.request import Request

_FIELDS = (
    "style_weights", "masks", "style_masks", "content_mask", "canvas", "palette", "resume",
)  # fmt: skip


def png(pixels) -> bytes:
    """An array [H, W] or [H, W, C] of bytes as a PNG."""
    data = io.BytesIO()
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(data, "png")
    return data.getvalue()


def photo(height=48, width=64, seed=0) -> bytes:
    """Smooth color gradients with some noise, as a PNG."""
    y, x = np.mgrid[0:height, 0:width]
    random = np.random.default_rng(seed)
    base = np.stack([x * 255 / width, y * 255 / height, (x + y) % 64 * 4], axis=-1)
    return png(np.clip(base + random.normal(0, 12, base.shape), 0, 255))


def stripes(height=64, width=64, period=6) -> bytes:
    """Red and blue diagonal stripes, as a PNG."""
    y, x = np.mgrid[0:height, 0:width]
    red = ((x + y) // period) % 2 == 0
    return png(np.where(red[..., None], (220, 30, 20), (20, 40, 200)))


def request(content=None, styles=None, **given) -> Request:
    """A request of 64 px and few steps, with options and the request's other fields given."""
    others = {name: given.pop(name) for name in _FIELDS if name in given}
    options = read_options({"size": 64, "steps": 4, **given})
    return Request(options, content or photo(), tuple(styles or [stripes()]), **others)
