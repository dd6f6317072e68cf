"""The engine as a whole: weights and caches that last, and requests that become jobs."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from PIL import Image

from painter.errors import Internal, OutOfMemory
from painter.job import Job
from painter.lanes import Lanes
from painter.memory import (
    bytes_needed,
    bytes_usable,
    give_back_memory,
    keep_freed_memory,
)
from painter.options import Options
from painter.plan import Plan, make_plan
from painter.record import versions
from painter.request import Request
from painter.styles import StyleCache
from painter.vgg import VGG19
from painter.weights import load_checkpoint

# The first evaluation of a tiled canvas may take long: it goes on in the slices that follow.
_FIRST_SECONDS: Final = 2.0


class DeviceMissing(Exception):
    """The device that was asked for is not there."""


class Painter:
    """The network, and what is known of styles; holds nothing of any one painting."""

    def __init__(
        self,
        checkpoint: Path,
        device: str = "cpu",
        memory_bytes: int | None = None,
        style_cache_bytes: int = 256 * 2**20,
        graphs: bool = False,
    ) -> None:
        """Loads the weights; `graphs` replays evaluations from CUDA graphs, and needs CUDA."""
        keep_freed_memory()
        self._checkpoint = load_checkpoint(checkpoint)
        where = usable_device(device)
        self.vgg = VGG19(self._checkpoint, where, fastest_type(where))
        self.lanes = Lanes(self.vgg, graphs and where.type == "cuda")
        self.styles = StyleCache(style_cache_bytes)
        self.memory_bytes = bytes_usable(where) if memory_bytes is None else memory_bytes

    def inspect(self, request: Request) -> Plan:
        """Decodes and checks all that a request holds; raises PaintError.

        OutOfMemory is raised for what would not even fit alone.
        """
        plan = make_plan(request)
        needed = bytes_needed(plan, self.vgg.trunk)
        if needed > self.memory_bytes:
            height, width = plan.shape
            raise OutOfMemory(
                "out_of_memory",
                f"size: a painting of {width} x {height} px needs about {needed >> 20} MiB, and "
                f"there are {self.memory_bytes >> 20} MiB",
                "size",
            )
        return plan

    def fits(self, plan: Plan, beside: Sequence[Job]) -> bool:
        """Whether there is memory for a painting beside those that are being made."""
        plans = [plan, *(job.plan for job in beside)]
        return sum(bytes_needed(each, self.vgg.trunk) for each in plans) <= self.memory_bytes

    def start(self, plan: Plan) -> Job:
        """Begins a painting and takes its first step; raises PaintError where that fails."""
        lane = self.lanes.freest()
        job = Job(plan, self.vgg, self.styles, lane)
        lane.paintings.add(job)
        end = time.monotonic() + _FIRST_SECONDS
        job.advance()
        while not job.finished and job.progress.losses is None:
            if job.ask is None and time.monotonic() >= end:
                break
            job.advance()
        losses = job.progress.losses
        if losses is not None and not math.isfinite(losses.total):
            raise Internal("internal", "the first evaluation of the losses was not finite")
        return job

    def begin(self, request: Request) -> Job:
        """`inspect` and `start` in one, where nothing else is painted."""
        return self.start(self.inspect(request))

    def warm_up(self) -> None:
        """Paints a tiny picture, so that whoever comes first waits for nothing."""
        data = io.BytesIO()
        Image.radial_gradient("L").convert("RGB").save(data, "png")
        options = Options(size=64, steps=2)
        job = self.begin(Request(options, data.getvalue(), (data.getvalue(),)))
        while not job.finished:
            job.advance()
        give_back_memory()

    def describe(self) -> dict[str, Any]:
        """The device, the weights' origin, the versions and the state of the style cache."""
        checkpoint = self._checkpoint
        return {
            "device": self.vgg.device.type,
            "weights": {
                "sha256": checkpoint.digest,
                "source": checkpoint.source,
                "license": checkpoint.license,
                "input": checkpoint.input.order,
            },
            "versions": versions(),
            "style_cache": {
                "entries": len(self.styles),
                "bytes": self.styles.bytes,
                "hits": self.styles.hits,
                "misses": self.styles.misses,
            },
        }


def usable_device(name: str) -> torch.device:
    """The device of a name, `cpu` or `cuda`; raises DeviceMissing where there is none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceMissing("DEVICE=cuda was asked for, but PyTorch finds no CUDA device here")
    if name == "cuda":
        # Convolutions round float32 to TF32 else, and L-BFGS compares losses closer than that.
        torch.backends.cudnn.allow_tf32 = False
    return torch.device(name)


def fastest_type(device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies it faster than float32, else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if fast else torch.float32
