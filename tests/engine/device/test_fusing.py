"""Fused kernels: plain code where there are none, and where they fail or are wrong."""

from __future__ import annotations

import logging
from itertools import count

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_leaves, tree_map

from painter.device.faults import DeviceLost
from painter.device.fusing import Fused, fused_kernels, prove_all
from painter.engine import painter  # noqa: F401  so that all kernels are there

CPU = torch.device("cpu")
ONE = torch.ones(3)
_numbers = count()


@pytest.fixture
def fused(monkeypatch):
    """Makes `x + 1` with a kernel of one's own, which runs on the CPU."""
    monkeypatch.setattr("painter.device.fusing.runs_on", lambda device: True)
    monkeypatch.setattr(Fused, "every", [])

    def make(launch):
        return Fused(
            f"for_tests_{next(_numbers)}(Tensor x) -> Tensor",
            lambda x: x + 1,
            launch,
            torch.empty_like,
            lambda device, dtype: [(torch.ones(40, dtype=dtype),)],
        )

    return make


def _raises(error):
    def launch(x):
        raise error

    return launch


def test_a_kernel_is_used_inside_and_nowhere_else(fused):
    one = fused(lambda x: x + 2)
    assert float(one(ONE).sum()) == 6
    with fused_kernels():
        assert float(one(ONE).sum()) == 9
        with fused_kernels(False):
            assert float(one(ONE).sum()) == 6
    assert not one.serves(ONE)


def test_on_a_device_without_kernels_it_is_not(fused, monkeypatch):
    one = fused(_raises(AssertionError()))
    monkeypatch.undo()
    with fused_kernels():
        assert float(one(ONE).sum()) == 6
    prove_all(CPU, torch.float32)


def test_what_fails_is_left_out_in_its_type_and_told_in_one_line(fused, caplog):
    calls = []

    def launch(x):
        calls.append(x.dtype)
        raise RuntimeError("no kernel image is there\nand more")

    one = fused(launch)
    with fused_kernels(), caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert float(one(ONE).sum()) == 6
        one(ONE.double())
    assert calls == [torch.float32, torch.float64]
    assert sorted(one.left_out) == [f"{one.name} in float32", f"{one.name} in float64"]
    told = f"no fused kernel for {one.name} in float32: no kernel image is there"
    assert [record.message for record in caplog.records][0] == told
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), torch.OutOfMemoryError),
        (torch.AcceleratorError("an illegal memory access"), DeviceLost),
    ],
    ids=["memory", "lost"],
)
def test_a_full_or_lost_device_is_no_fault_of_the_kernel(fused, error, expected):
    one = fused(_raises(error))
    with fused_kernels():
        with pytest.raises(expected):
            one(ONE)
        assert one.serves(ONE)


@pytest.mark.parametrize(
    "launch", [lambda x: x + 1.1, lambda x: x + torch.nan, _raises(RuntimeError("why"))]
)
def test_a_trial_finds_what_does_not_compute_the_same(fused, launch, caplog):
    good, bad = fused(lambda x: x + 1), fused(launch)
    prove_all(CPU, torch.float32)
    with fused_kernels():
        assert good.serves(ONE)
        assert not bad.serves(ONE)
        assert torch.equal(bad(ONE), good(ONE))
    assert len(caplog.records) == 1


def test_what_all_lack_is_told_in_one_line(fused, caplog):
    names = [fused(_raises(ImportError("No module named 'triton'"))).name for _ in range(2)]
    prove_all(CPU, torch.float32)
    prove_all(CPU, torch.bfloat16)
    told = [record.message for record in caplog.records]
    assert told == [
        f"no fused kernel for {names[0]} in {kind}, {names[1]} in {kind}: No module named 'triton'"
        for kind in ("float32", "bfloat16")
    ]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("kernel", Fused.every, ids=lambda kernel: kernel.name)
def test_what_a_kernel_says_of_its_results_is_so(kernel, dtype):
    """Shapes, types and how they lie, as the steps on a device that is not there need them."""
    for sample in kernel.samples(CPU, dtype):
        expected = kernel.plain(*sample)
        with FakeTensorMode() as mode:
            there = tree_map(
                lambda each: mode.from_tensor(each) if isinstance(each, Tensor) else each,
                sample,
            )
            found = kernel.operator(*there)
        assert _layouts(found) == _layouts(expected)


def _layouts(made):
    found = [each for each in tree_leaves(made) if each is not None]
    return [(each.shape, each.dtype, each.stride()) for each in found]
