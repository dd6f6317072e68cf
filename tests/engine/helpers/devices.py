"""A painting on a CUDA device that is not there, and what its steps have the host do.

Under PyTorch's fake tensors operations run on shapes, types and devices alone. They raise where
tensors of two devices meet, and where a value is read; copies between devices they let pass.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from jobs import finish
from networks import random_checkpoint
from painter.canvas.downsampling import Downsampling, resizing_matrix
from painter.device.fusing import Fused, fused_kernels
from painter.evaluation.passes import evaluate
from painter.network.convolutions import Plain
from painter.network.vgg import VGG19
from painter.optimizers.catalog import optimizer_of
from painter.painting.descent import Descent
from painter.painting.steps import StepLog
from painter.preparation.preparation import Preparation
from painter.preparation.style_cache import StyleCache

CUDA = torch.device("cuda", 0)
# What PyTorch asks of tensors, views, and memory that nobody fills: these are no kernels.
_NO_KERNELS = (
    *(
        "prim.device",
        "aten.promote_types",
        "aten.view",
        "aten.select.",
        "aten.slice.",
        "aten.permute",
        "aten.t.",
    ),
    *("aten.unsqueeze", "aten.squeeze", "aten.expand", "aten.split", "aten.empty", "aten.unbind"),
    *("aten.transpose", "aten._unsafe_view", "aten.detach", "aten.alias", "aten.as_strided"),
    *("aten.new_empty", "aten.lift_fresh", "aten.diagonal.", "aten.unflatten"),
)

# What one call of these launches.
_FUSED = {f"bruno.{each.name}.default": each.kernels for each in Fused.every}


class Counting(TorchDispatchMode):
    """Counts kernels, reads of values, and copies between devices."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels: Counter[str] = Counter()
        self.reads: Counter[str] = Counter()
        self.copies: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = str(func)
        if name in ("aten._local_scalar_dense.default", "aten.nonzero.default"):
            self.reads[name] += 1
        found = func(*args, **(kwargs or {}))
        leaves = tree_leaves((args, kwargs, found))
        if len({leaf.device for leaf in leaves if isinstance(leaf, Tensor)}) > 1:
            self.copies[name] += 1
        if not name.startswith(_NO_KERNELS):
            self.kernels[name] += _FUSED.get(name, 1)
        return found


class Poisoning(TorchDispatchMode):
    """Fills all memory that nobody has written yet with NaN."""

    def __init__(self) -> None:
        super().__init__()
        self.poisoned = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        is_new = str(func).startswith(("aten.empty", "aten.new_empty"))
        if is_new and found.is_floating_point():
            self.poisoned += 1
            found.fill_(torch.nan)
        return found


class Elsewhere:
    """The levels of a plan, prepared here and moved to a device that is not there."""

    def __init__(self, plan, monkeypatch) -> None:
        self.plan = plan
        # As on CUDA: plain convolutions, targets of a fixed shape, and the whole network alone.
        monkeypatch.setattr("painter.network.vgg.fastest_convolution", Plain)
        monkeypatch.setattr("painter.losses.wasserstein.needs_products", lambda gram: True)
        monkeypatch.setattr(VGG19, "condenses", False)
        self._vgg = VGG19(random_checkpoint(width=16), torch.device("cpu"), torch.float32)
        self._objectives = [None]
        for level in plan.levels:
            turns = Preparation(plan, level, self._vgg, StyleCache(2**28), self._objectives[-1])
            self._objectives.append(finish(turns))

    def count(self, first: int, steps: int, is_fused: bool = False) -> Counting:
        """What the host has to do in so many steps of the last level, from one on."""
        with FakeTensorMode() as mode, fused_kernels(is_fused):
            vgg, objective = (_moved(each, mode) for each in (self._vgg, self._objectives[-1]))
            canvas, options = torch.empty_like(objective.content), self.plan.options
            optimizer = optimizer_of(options).begin(canvas, options, vgg.trunk, None)
            log = StepLog(CUDA)
            log._readings._is_first = False  # nothing can be sent from there
            index = len(self.plan.levels)
            descent = Descent(self.plan, index, objective, optimizer, vgg, log)
            _descend(descent, vgg, first - 1)
            with Counting() as counting:
                _descend(descent, vgg, steps)
            return counting


def _descend(descent, vgg, steps):
    while steps:
        view = descent.view
        steps -= descent.take(evaluate(vgg, [view])[0] if view else None) is not None


def _moved(value, mode):
    """A copy of a value with all its tensors on the device that is not there."""
    if isinstance(value, Tensor):
        layout = mode.from_tensor(value)
        size = layout.shape, layout.stride()
        return torch.empty_strided(*size, dtype=layout.dtype, device=CUDA)
    if isinstance(value, torch.device):
        return CUDA
    if isinstance(value, Mapping):
        return {key: _moved(each, mode) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_moved(each, mode) for each in value)
    if not isinstance(value, Plain | VGG19 | Downsampling) and not is_dataclass(value):
        return value
    there = copy.copy(value)
    if isinstance(value, Downsampling):
        lengths = zip(value._shape, value._smaller, strict=True)
        there._matrices = tuple(resizing_matrix(*pair).float() for pair in lengths)
    names = [f.name for f in fields(value)] if is_dataclass(value) else list(vars(there))
    for name in names:
        object.__setattr__(there, name, _moved(getattr(there, name), mode))
    return there
