"""Samples of a picture as an array [H, W, C], and how to go through them with little memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from numpy.typing import NDArray

Samples = NDArray[Any]

# What is made beside a picture while it is converted is as large as a band, not as the picture.
_BAND_PIXELS: Final = 2**20


def bands(height: int, width: int) -> Iterator[slice]:
    """Rows from top to bottom, about a megapixel at once."""
    rows = max(1, _BAND_PIXELS // width)
    return (slice(top, min(height, top + rows)) for top in range(0, height, rows))
