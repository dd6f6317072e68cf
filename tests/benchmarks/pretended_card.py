"""A card that is none: what the benchmark asks of torch.cuda, answered on the CPU.

Each stand-in takes what the real one takes, or the call fails: so the parts for a card are run
where there is none. Captured work runs once, and a replay does nothing.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from card.device import Device

# As the tests of the kernels have it: Triton reads this once, when it is loaded.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# A segment as torch.cuda.memory_snapshot() has it, as far as it is read.
SNAPSHOT = [
    {"stream": 0, "segment_pool_id": (0, 0), "blocks": [{"size": 512, "state": "inactive"}]},
    {"stream": 0, "segment_pool_id": (0, 1), "blocks": [{"size": 99, "state": "inactive"}]},
    {"stream": 7, "segment_pool_id": (0, 0), "blocks": [{"size": 99, "state": "inactive"}]},
    {"stream": 0, "segment_pool_id": (0, 0), "blocks": [{"size": 99, "state": "active_allocated"}]},
]


@dataclass(frozen=True)
class PretendedCard(Device):
    """The CPU, which says that it is a card."""

    @property
    def is_card(self) -> bool:
        return True


class _Stream:
    cuda_stream = 0
    current: _Stream

    def wait_stream(self, stream: _Stream) -> None:
        assert isinstance(stream, _Stream)


_DEFAULT = _Stream.current = _Stream()


@contextmanager
def _on(stream: _Stream) -> Iterator[None]:
    before, _Stream.current = _Stream.current, stream
    try:
        yield
    finally:
        _Stream.current = before


class _Event:
    def __init__(self, enable_timing: bool = False) -> None:
        assert enable_timing

    def record(self) -> None:
        pass

    def synchronize(self) -> None:
        pass

    def elapsed_time(self, end_event: _Event) -> float:
        return 1.0


class _Graph:
    is_capturing = False

    def capture_begin(self, pool: object = None, capture_error_mode: str = "global") -> None:
        assert capture_error_mode in ("global", "thread_local", "relaxed")
        assert _Stream.current is not _DEFAULT, "graphs cannot be captured on the default stream"
        _Graph.is_capturing = True

    def capture_end(self) -> None:
        assert _Graph.is_capturing
        _Graph.is_capturing = False

    def replay(self) -> None:
        assert not _Graph.is_capturing


class _NoReads(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("called a synchronizing CUDA operation")
        return func(*args, **(kwargs or {}))


class _SyncDebug:
    """As torch.cuda.set_sync_debug_mode: with "error", whoever reads a value is told."""

    def __init__(self) -> None:
        self._mode: AbstractContextManager[object] | None = None

    def set(self, debug_mode: int | str) -> None:
        if self._mode is not None:
            self._mode.__exit__(None, None, None)
            self._mode = None
        if debug_mode == "error":
            self._mode = _NoReads()  # type: ignore[no-untyped-call]
            self._mode.__enter__()


@contextmanager
def pretended_card() -> Iterator[PretendedCard]:
    """A device whose parts for a card can be run."""
    stand_ins: dict[str, Any] = {
        "synchronize": lambda device=None: None,
        "Event": _Event,
        "Stream": lambda device=None, priority=0: _Stream(),
        "current_stream": lambda device=None: _Stream.current,
        "stream": _on,
        "CUDAGraph": _Graph,
        "mem_get_info": lambda device=None: (2**30, 2**30),
        "graph_pool_handle": lambda: (0, 1),
        "set_sync_debug_mode": _SyncDebug().set,
        "memory_snapshot": lambda mempool_id=None: SNAPSHOT,
        "empty_cache": lambda: None,
    }
    with ExitStack() as patches:
        for name, stand_in in stand_ins.items():
            _check_takes_no_more(stand_in, getattr(torch.cuda, name))
            patches.enter_context(patch.object(torch.cuda, name, stand_in))
        patches.enter_context(patch.object(torch, "cudnn_convolution_relu", _fused))
        patches.enter_context(patch("card.layers._needs_card", lambda device: None))
        yield PretendedCard(torch.device("cpu"))


def _fused(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    groups: int,
) -> Tensor:
    return F.conv2d(x, weight, bias, stride, padding, dilation, groups).relu_()


def _check_takes_no_more(stand_in: Callable[..., Any], real: Callable[..., Any]) -> None:
    """That the real one has every parameter of its stand-in, methods' too."""
    if inspect.isclass(stand_in):
        for name, method in vars(stand_in).items():
            if inspect.isfunction(method) and name != "__init__":
                _check_takes_no_more(method, getattr(real, name))
        return
    taken = {name for name in inspect.signature(stand_in).parameters if name != "self"}
    found = set(inspect.signature(real).parameters)
    assert taken <= found | {"stream"}, (real, taken, found)
