"""The engine as a whole: weights and caches that last, and requests that become jobs."""

from __future__ import annotations

import io
import math
import time
from pathlib import Path
from typing import Any, Final

import torch
from PIL import Image

from painter.device.compute import fastest_type, usable_device
from painter.device.fusing import prove_all
from painter.device.memory import bytes_usable, give_back_memory, keep_freed_memory
from painter.engine.ledger import Bytes, Ledger
from painter.engine.memory import bytes_encoding, bytes_kept, bytes_needed
from painter.errors import Internal, OutOfMemory
from painter.evaluation.lanes import Lanes
from painter.network.vgg import VGG19
from painter.network.weights import load_checkpoint
from painter.options.catalog import Options
from painter.options.request import Request
from painter.painting.job import Job
from painter.painting.record import versions
from painter.planning.outline import Outline, outline
from painter.planning.plan import Plan, make_plan
from painter.preparation.style_cache import StyleCache

# The first evaluation of a tiled canvas may take long: it goes on in the slices that follow.
_FIRST_SECONDS: Final = 2.0


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
        """Loads the weights; `graphs` replays CUDA graphs of fused kernels, and needs CUDA."""
        keep_freed_memory()
        self._checkpoint = load_checkpoint(checkpoint)
        where = usable_device(device)
        self.vgg = VGG19(self._checkpoint, where, fastest_type(where))
        with_graphs = graphs and where.type == "cuda"
        if with_graphs:
            prove_all(where, self.vgg.trunk)
        self.lanes = Lanes(self.vgg, with_graphs)
        self.styles = StyleCache(style_cache_bytes)
        # Recordings stay when the paintings that they were made for have gone.
        there = bytes_usable(where) - self.lanes.bytes
        self.memory_bytes = there if memory_bytes is None else memory_bytes
        self.host_bytes = bytes_usable(torch.device("cpu"))

    def ledger(self) -> Ledger:
        """The memory that its paintings share, of which nothing is held yet."""
        if self._is_on_host:
            return Ledger(self.memory_bytes, None)
        return Ledger(self.host_bytes, self.memory_bytes)

    def planning_bytes(self, request: Outline) -> Bytes:
        """What a request takes while its pictures are decoded; all of it is on the host."""
        return Bytes(host=request.files + request.planning + bytes_kept(request.plan))

    def painting_bytes(self, plan: Plan) -> Bytes:
        """What a plan takes from the moment it is begun until its file is encoded."""
        needed = bytes_needed(plan, self.vgg.trunk, self.vgg.condenses)
        if self._is_on_host:
            return Bytes(device=needed)
        return Bytes(host=bytes_kept(plan) + bytes_encoding(plan), device=needed)

    def foresee(self, request: Request) -> Outline:
        """Checks all that the headers of a request's pictures tell; raises PaintError.

        OutOfMemory is raised for what would not even fit alone.
        """
        outlined = outline(request)
        ledger = self.ledger()
        missing = ledger.missing(self.planning_bytes(outlined))
        if missing:
            name, (height, width) = outlined.largest
            raise _too_large(name, f"to decode {width} x {height} px", missing)
        missing = ledger.missing(self.painting_bytes(outlined.plan))
        if missing:
            height, width = outlined.plan.shape
            raise _too_large("size", f"a painting of {width} x {height} px", missing)
        return outlined

    def inspect(self, request: Request) -> Plan:
        """Checks as `foresee` does, then decodes and checks all the rest; raises PaintError."""
        self.foresee(request)
        return make_plan(request)

    def start(self, plan: Plan) -> Job:
        """Begins a painting and takes its first step; raises PaintError where that fails."""
        lane = self.lanes.freest()
        job = Job(plan, self.vgg, self.styles, lane)
        lane.paintings.add(job)
        end = time.monotonic() + _FIRST_SECONDS
        job.run(
            until=lambda: (
                job.progress.losses is not None or (job.pending is None and time.monotonic() >= end)
            )
        )
        losses = job.progress.losses
        if losses is not None and not math.isfinite(losses.total):
            raise Internal("internal", "the first evaluation of the losses was not finite")
        return job

    def begin(self, request: Request) -> Job:
        """`inspect` and `start` in one, where nothing else is painted."""
        return self.start(self.inspect(request))

    def warm_up(self) -> None:
        """Paints a tiny picture, so that whoever comes first waits for nothing."""
        if self.vgg.condenses:
            self.vgg.condensed(self.vgg.trunk)
        data = io.BytesIO()
        Image.radial_gradient("L").convert("RGB").save(data, "png")
        options = Options(size=64, steps=2)
        self.begin(Request(options, data.getvalue(), (data.getvalue(),))).run()
        give_back_memory()

    @property
    def _is_on_host(self) -> bool:
        return self.vgg.device.type == "cpu"

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


def _too_large(field: str, what: str, missing: tuple[int, int]) -> OutOfMemory:
    needed, there = missing
    return OutOfMemory(
        "out_of_memory",
        f"{field}: {what} needs about {needed >> 20} MiB, and there are {there >> 20} MiB",
        field,
    )
