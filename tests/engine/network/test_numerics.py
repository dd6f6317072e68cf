"""The fast type beside float32: the same loss curve within a bound, with the real weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from painter.device.compute import fastest_type
from painter.network.vgg import VGG19
from painter.network.weights import load_checkpoint
from painter.painting.job import Job
from painter.planning.plan import make_plan
from painter.preparation.style_cache import StyleCache
from pictures import request

CPU = torch.device("cpu")
EXAMPLES = Path(__file__).parents[3] / "examples"
# Shares of the total: at any step, where the two canvases differ already, and at the end.
ANY_STEP = 0.05
LAST_STEP = 0.01


def _totals(weights, dtype, **options):
    """The total of the losses at each step."""
    vgg = VGG19(load_checkpoint(weights), CPU, dtype)
    photo, style = ((EXAMPLES / name).read_bytes() for name in ("photo.jpg", "style.png"))
    plan = make_plan(request(content=photo, styles=[style], size=128, **{"steps": 25, **options}))
    job = Job(plan, vgg, StyleCache(2**28))
    found = {}
    while not job.finished:
        job.advance()
        if job.progress.losses is not None:
            found[job.progress.step] = job.progress.losses.total
    return torch.tensor(list(found.values()))


@pytest.mark.skipif(
    fastest_type(CPU) != torch.bfloat16, reason="this processor has no fast bfloat16"
)
@pytest.mark.parametrize("style_loss", ["gram", "wasserstein"])
def test_bfloat16_and_float32_paint_alike(weights, style_loss):
    fast, exact = (
        _totals(weights, dtype, style_loss=style_loss) for dtype in (torch.bfloat16, torch.float32)
    )
    assert len(exact) == 25
    apart = (fast - exact).abs() / exact
    assert float(apart.max()) < ANY_STEP
    assert float(apart[-1]) < LAST_STEP


@pytest.mark.skipif(
    fastest_type(CPU) != torch.bfloat16, reason="this processor has no fast bfloat16"
)
def test_lbfgs_comes_as_far_in_bfloat16(weights):
    fast, exact = (
        _totals(weights, dtype, preset="gatys", steps=60)
        for dtype in (torch.bfloat16, torch.float32)
    )
    assert len(fast) == len(exact) == 60
    assert float(fast.min()) < (1 + LAST_STEP) * float(exact.min())
