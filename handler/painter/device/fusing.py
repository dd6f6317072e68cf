"""Kernels that do at once what takes PyTorch several: where they run, and what runs elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from painter.device.faults import raise_if_lost

# Relative errors that a kernel may have beside the plain code: both round, in another order.
BOUNDS: Final = {torch.float32: 1e-4, torch.bfloat16: 2e-2}

_LIBRARY: Final = torch.library.Library("bruno", "DEF")  # type: ignore[no-untyped-call]
_IS_ON: Final = ContextVar("fused kernels", default=False)

# What that is, and why.
_LEFT_OUT: Final = "no fused kernel for %s: %s"

_log = logging.getLogger(__name__)


@contextmanager
def fused_kernels(used: bool = True) -> Iterator[None]:
    """Whatever is computed on CUDA inside takes them, or does not."""
    token = _IS_ON.set(used)
    try:
        yield
    finally:
        _IS_ON.reset(token)


class Fused:
    """A function of tensors: plain code, and on CUDA inside of `fused_kernels` a kernel for it.

    What a kernel cannot do on a device, it leaves to the plain code from then on: where it cannot
    be compiled, raises, or was found to compute something else. The log tells so in one line.
    """

    every: Final[list[Fused]] = []

    def __init__(
        self,
        schema: str,
        plain: Callable[..., Any],
        launch: Callable[..., Any],
        shapes: Callable[..., Any],
        samples: Callable[[torch.device, torch.dtype], Iterable[tuple[Any, ...]]],
        kernels: int = 1,
        changes: Callable[..., Any] = lambda *given: None,
    ) -> None:
        """Of an operator `bruno::name`: its schema, the code, and what tells shapes of results.

        `samples` are arguments to try it with, `kernels` is how many one call launches, and
        `changes` tells the part of its arguments that a result is written to.
        """
        self.name = schema.partition("(")[0]
        self.plain, self.samples, self.kernels = plain, samples, kernels
        self._changes = changes
        self._left_out: set[torch.dtype] = set()
        _LIBRARY.define(schema)  # type: ignore[no-untyped-call]
        _LIBRARY.impl(self.name, launch, "CompositeExplicitAutograd")  # type: ignore[no-untyped-call]
        torch.library.register_fake(f"bruno::{self.name}", shapes, lib=_LIBRARY)
        self.operator: Callable[..., Any] = getattr(torch.ops.bruno, self.name).default
        self.every.append(self)

    def serves(self, first: Tensor) -> bool:
        """Whether the kernel is what a call with such a first argument takes."""
        return _IS_ON.get() and runs_on(first.device) and first.dtype not in self._left_out

    @property
    def left_out(self) -> list[str]:
        """In which types it was left out, with its name."""
        return [self._named(dtype) for dtype in self._left_out]

    def __call__(self, first: Tensor, *others: Any) -> Any:
        """The kernel's result, or that of the plain code."""
        if self.serves(first):
            try:
                return self.operator(first, *others)
            except Exception as error:
                _log.warning(_LEFT_OUT, self._left_out_for(first, error), _reason_of(error))
        return self.plain(first, *others)

    def prove(self, device: torch.device, dtype: torch.dtype) -> Iterator[tuple[str, str]]:
        """Tries it on the samples, and leaves it out where it does not compute what is asked.

        Tells what is left out, and why.
        """
        for sample in self.samples(device, dtype):
            expected = self.outcome(self.plain, sample)
            poison(expected)
            try:
                error = difference(self.outcome(self.operator, sample), expected)
                if not error <= BOUNDS[dtype]:
                    raise _Wrong(f"its results are {error:.1e} off")
            except Exception as error:
                yield self._left_out_for(sample[0], error), _reason_of(error)

    def outcome(self, function: Callable[..., Any], sample: tuple[Any, ...]) -> list[Tensor]:
        """All that its plain code, or its operator, makes of a sample, which stays as it is."""
        given = copied(sample)
        made = [function(*given), self._changes(*given)]
        return [each for each in tree_leaves(made) if isinstance(each, Tensor)]

    def _left_out_for(self, first: Tensor, error: Exception) -> str:
        """Leaves it out in a type, unless the device is full or lost; what that is."""
        if isinstance(error, torch.OutOfMemoryError):
            raise error
        raise_if_lost(error)
        self._left_out.add(first.dtype)
        return self._named(first.dtype)

    def _named(self, dtype: torch.dtype) -> str:
        return f"{self.name} in {str(dtype).removeprefix('torch.')}"


class _Wrong(Exception):
    """A kernel computes something else."""


def runs_on(device: torch.device) -> bool:
    """Whether there are kernels for a device."""
    return device.type == "cuda"


def prove_all(device: torch.device, dtype: torch.dtype) -> None:
    """Compiles and tries every kernel in a type; where there are none for the device, nothing."""
    left_out: dict[str, dict[str, None]] = {}
    for each in Fused.every if runs_on(device) else ():
        for name, reason in each.prove(device, dtype):
            left_out.setdefault(reason, {})[name] = None
    for reason, names in left_out.items():
        _log.warning(_LEFT_OUT, ", ".join(names), reason)


def channels_last(features: Tensor) -> Tensor:
    """Features [B, C, H, W] with their channels beside each other in memory; most are already."""
    return features.contiguous(memory_format=torch.channels_last)


def empty_channels_last(
    like: Tensor, shape: Sequence[int], dtype: torch.dtype | None = None
) -> Tensor:
    """Features of another shape, that nobody has written yet."""
    kind, layout = dtype or like.dtype, torch.channels_last
    return torch.empty(shape, dtype=kind, device=like.device, memory_format=layout)


def difference(found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    """The largest relative error of tensors beside others; not a number where one is none."""
    pairs = zip(found, expected, strict=True)
    errors = [_error(one.double(), other.double()) for one, other in pairs]
    return float(torch.stack(errors).max())


def copied(values: Any) -> Any:
    """The same values with copies of all tensors, as they lie in memory."""
    return tree_map(lambda each: each.clone() if isinstance(each, Tensor) else each, values)


def poison(likes: Any) -> None:
    """Fills with NaN what the next tensors of the same sizes are likely to get for memory."""
    held = [
        torch.full_like(each, torch.nan) for each in tree_leaves(likes) if each.is_floating_point()
    ]
    del held


def _error(found: Tensor, expected: Tensor) -> Tensor:
    error: Tensor = (found - expected).norm() / expected.norm().clamp(min=1e-30)
    return error


def _reason_of(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
