"""What was found of styles in their passes, kept for the next painting."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from itertools import chain

import torch
from torch import Tensor

Means = tuple[Tensor, ...]


class StyleCache:
    """Means of features by all that they depend on, within a budget of bytes, oldest out first."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._entries: OrderedDict[tuple[object, ...], Means] = OrderedDict()
        self.bytes = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, keys: Sequence[tuple[object, ...]]) -> list[Means] | None:
        """The entries of all the keys, or None where one of them is missing."""
        if any(key not in self._entries for key in keys):
            self.misses += 1
            return None
        self.hits += 1
        for key in keys:
            self._entries.move_to_end(key)
        return [self._entries[key] for key in keys]

    def keep(self, key: tuple[object, ...], means: Means) -> None:
        """Adds an entry, and drops the longest unused ones until the budget holds."""
        if key in self._entries:
            self.bytes -= _size(self._entries.pop(key))
        self._entries[key] = means
        self.bytes += _size(means)
        while self.bytes > self._most_bytes:
            _, dropped = self._entries.popitem(last=False)
            self.bytes -= _size(dropped)


def used_here(means: Sequence[Means]) -> None:
    """Keeps the memory of what leaves the cache from being used anew before this stream is done."""
    for tensor in chain.from_iterable(means):
        if tensor.is_cuda:
            tensor.record_stream(torch.cuda.current_stream(tensor.device))


def _size(means: Means) -> int:
    return sum(tensor.nbytes for tensor in means)
