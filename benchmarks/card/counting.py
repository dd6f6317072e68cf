"""What a piece of work asks of torch: operations, reads by the host, and copies between devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class _Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is torch.ops.aten._local_scalar_dense.default:
            self.found["host reads"] += 1
        elif _devices(args) | _devices([result]) == {"cpu", "cuda"}:
            self.found["copies between devices"] += 1
        elif not func.is_view:
            self.found["operations"] += 1
        return result


def counted(work: Callable[[], object]) -> dict[str, int]:
    """How many operations beside views, host reads and copies between devices work takes."""
    with _Counting() as counting:
        work()
    names = ("operations", "host reads", "copies between devices")
    return {name: counting.found[name] for name in names}


def _devices(values: Any) -> set[str]:
    return {value.device.type for value in values if isinstance(value, Tensor)}
