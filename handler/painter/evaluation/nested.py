"""The tensors of nested values: told one by one, put in place of each other, and what they form."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import cache
from types import NoneType
from typing import Any, Final

import torch
from torch import Tensor

_CONSTANTS: Final = (NoneType, bool, float, str, frozenset, torch.dtype)


def form_of(value: Any) -> Hashable:
    """How a value is made up, and of tensors of which shapes and types.

    Two that have the same tensors in the same order may still differ: in what they are for.
    """
    if isinstance(value, Tensor):
        return value.shape, value.dtype
    if isinstance(value, dict):
        return tuple((key, form_of(each)) for key, each in value.items())
    if isinstance(value, tuple):
        return tuple(map(form_of, value))
    names = _fields_of(value.__class__)
    if names is not None:
        return type(value).__qualname__, *[form_of(getattr(value, name)) for name in names]
    return value if isinstance(value, _CONSTANTS) else type(value).__qualname__


def tensors_of(value: Any) -> Iterator[Tensor]:
    """All tensors of dictionaries, tuples and dataclasses, in a fixed order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from tensors_of(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from tensors_of(each)
    else:
        for name in _fields_of(value.__class__) or ():
            yield from tensors_of(getattr(value, name))


def copied(value: Any, tensors: Iterator[Tensor]) -> Any:
    """The same value with other tensors, in the order of `tensors_of`."""
    if isinstance(value, Tensor):
        return next(tensors)
    if isinstance(value, dict):
        return {key: copied(each, tensors) for key, each in value.items()}
    if isinstance(value, tuple):
        return tuple(copied(each, tensors) for each in value)
    names = _fields_of(value.__class__)
    if names is None:
        return value
    return replace(value, **{name: copied(getattr(value, name), tensors) for name in names})


@cache
def _fields_of(kind: type) -> tuple[str, ...] | None:
    """The fields of a dataclass; None for what is none."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None
