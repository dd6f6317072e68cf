"""Triton's kernels beside the plain code: interpreted without a card, and compiled for one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from devices import CUDA
from jobs import finish
from networks import noise, random_checkpoint
from painter.device.fusing import Fused, difference, fused_kernels
from painter.evaluation.passes import View, evaluate
from painter.network.convolutions import Plain
from painter.network.fused_convolutions import RECTIFIED
from painter.network.vgg import VGG19
from painter.optimizers import adam  # noqa: F401  which has kernels, too
from painter.planning.plan import make_plan
from painter.preparation.preparation import Preparation
from painter.preparation.style_cache import StyleCache
from pictures import photo, png, request, stripes

pytest.importorskip("triton")
DEVICE = CUDA if torch.cuda.is_available() else torch.device("cpu")
KERNELS = [each for each in Fused.every if each is not RECTIFIED or DEVICE == CUDA]
BOUNDS = {torch.float32: 1e-6, torch.bfloat16: 5e-3}
LEFT = png([[255] * 32 + [0] * 32] * 48)
CASES = {
    "defaults": {},
    "every layer": {"content_layers": "all", "style_layers": "all"},
    "average pooling": {"pooling": "average", "tv": 0},
    "masks": {"styles": [stripes(), photo(seed=3)], "masks": {1: LEFT}, "content_mask": LEFT},
    "odd and seamless": {"size": 83, "seamless": "x"},
}


@pytest.fixture
def poisoned(monkeypatch):
    """No memory that is taken has numbers of use in it."""
    empty = torch.empty

    def taken(*size, **given):
        found = empty(*size, **given)
        return found.fill_(torch.nan if found.is_floating_point() else 77)

    monkeypatch.setattr(torch, "empty", taken)


@pytest.mark.parametrize("dtype", BOUNDS, ids=str)
@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: kernel.name)
@pytest.mark.usefixtures("poisoned")
def test_a_kernel_computes_what_the_plain_code_does(kernel, dtype):
    for sample in kernel.samples(DEVICE, dtype):
        found, expected = (kernel.outcome(each, sample) for each in (kernel.operator, kernel.plain))
        assert difference(found, expected) <= BOUNDS[dtype]


@pytest.mark.parametrize("given", CASES.values(), ids=CASES.keys())
@pytest.mark.usefixtures("poisoned")
def test_an_evaluation_with_all_kernels_is_the_plain_one(given, monkeypatch, caplog):
    monkeypatch.setattr("painter.device.fusing.runs_on", lambda device: True)
    monkeypatch.setattr("painter.network.vgg.fastest_convolution", Plain)
    if DEVICE != CUDA:
        monkeypatch.setattr(torch, "cudnn_convolution_relu", _rectified)
    vgg = VGG19(random_checkpoint(), DEVICE, torch.float32)
    plan = make_plan(request(**given))
    objective = finish(Preparation(plan, plan.levels[-1], vgg, StyleCache(2**28)))
    canvas = noise(3, *plan.shape).float().to(DEVICE)
    view = View(canvas, objective, objective.first_shift)
    expected = evaluate(vgg, [view])[0]
    with fused_kernels():
        found = evaluate(vgg, [view])[0]
    pairs = [found.terms, found.gradient], [expected.terms, expected.gradient]
    assert difference(*pairs) < 1e-5
    assert not caplog.records  # of a kernel that was left out


def _rectified(x, weight, bias, *rest):
    return F.conv2d(x, weight, bias, padding=1).relu_()


def test_all_kernels_compile_for_a_card(tmp_path):
    program = Path(__file__).parents[1] / "helpers" / "compiling.py"
    environment = {**os.environ, "TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, program, "80"], env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    names = {line.split()[0] for line in run.stdout.splitlines()}
    of_losses, of_adam = {"content", "gram", "scaled", "variation"}, {"add_up", "decide", "move"}
    assert names == {"pool", "unpool", "tap", "pass_and_add", "fold"} | of_losses | of_adam
    assert run.stdout.count("*bf16") > 5
