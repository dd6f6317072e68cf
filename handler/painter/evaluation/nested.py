"""The tensors of nested values: told one by one, put in place of each other, and what they form."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import fields, is_dataclass, replace
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
    if is_dataclass(value):
        parts = (form_of(getattr(value, field.name)) for field in fields(value))
        return type(value).__qualname__, *parts
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
    elif is_dataclass(value):
        for field in fields(value):
            yield from tensors_of(getattr(value, field.name))


def copied(value: Any, tensors: Iterator[Tensor]) -> Any:
    """The same value with other tensors, in the order of `tensors_of`."""
    if isinstance(value, Tensor):
        return next(tensors)
    if isinstance(value, dict):
        return {key: copied(each, tensors) for key, each in value.items()}
    if isinstance(value, tuple):
        return tuple(copied(each, tensors) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        return replace(value, **{name: copied(getattr(value, name), tensors) for name in names})
    return value
