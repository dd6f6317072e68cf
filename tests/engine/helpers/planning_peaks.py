"""The most bytes that planning takes, by kind of picture; told as JSON by a process of its own."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from files import png16, profile, save, tiff
from painter.device.memory import give_back_memory
from painter.engine.memory import bytes_kept
from painter.planning.outline import outline
from painter.planning.plan import make_plan
from pictures import photo, request

SIDE = 1600


def _requests():
    """Requests by name whose pictures are large enough to tell from all else."""
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 4), dtype=np.uint8)
    clear = Image.fromarray(noise).resize((SIDE, SIDE))
    colors = clear.convert("RGB")
    deep = np.asarray(clear).astype(np.uint16) * 257
    yield "jpeg", {"content": save(colors, "jpeg")}
    yield "jpeg with a profile", {"content": save(colors, "jpeg", icc_profile=profile("rgb", 1.8))}
    yield "gif", {"content": save(colors.quantize(64), "gif")}
    yield "webp", {"content": save(colors, "webp", method=0)}
    yield "webp with alpha", {"content": save(clear, "webp", method=0)}
    yield "png16", {"content": png16(deep[..., :3])}
    yield "tiff16 with alpha", {"content": tiff(deep, photometric="rgb", extrasamples=[1])}
    yield "mask", {"content_mask": save(colors, "png", compress_level=1)}
    styled = {"styles": [save(colors, "jpeg")], "color": "match", "style_scale": 4}
    yield "matched", {"size": 256, **styled}
    yield "a palette", {"palette": styled["styles"][0], **styled, "color": "style"}
    yield "guided", {"size": SIDE, "content": save(colors, "jpeg"), "color": "guided"}


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def _peak(made) -> tuple[int, int]:
    """The bytes that were told, and the most that were there at once.

    Up to five times, until they are no more: a system that puts unused pages of programs aside, or
    hands memory out in large pages, has more there by chance, and never less.
    """
    outlined = outline(made)
    told = outlined.planning + bytes_kept(outlined.plan)
    rises = [_rise(made)]
    while min(rises) > told and len(rises) < 5:
        rises.append(_rise(made))
    return told, min(rises)


def _rise(made) -> int:
    gc.collect()
    give_back_memory()
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak before
    before = _status("VmRSS")
    make_plan(made)
    return _status("VmHWM") - before


def main() -> None:
    """Measures each kind once, after small pictures have loaded all that is needed."""
    torch.set_num_threads(1)
    make_plan(request(content=photo(), color="match"))
    print(json.dumps({name: _peak(request(**given)) for name, given in _requests()}))
