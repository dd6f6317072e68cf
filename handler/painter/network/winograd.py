"""3 x 3 convolutions by Winograd's minimal filtering, for processors without bfloat16.

There float32 multiplications are what an evaluation's time goes into, and this needs a quarter
of them. Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks", F(4x4, 3x3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

# A tile of 4 x 4 outputs is made from 6 x 6 inputs. With d, g and y an input tile, a kernel and
# an output tile: y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, by the points 0, ±1, ±2 and infinity.
_OUT: Final = 4
_IN: Final = 6
_SEEN_TWICE: Final = _IN - _OUT  # rows and columns that neighboring tiles share
_INPUT: Final = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_KERNEL: Final = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
_OUTPUT: Final = (
    (1, 1, 1, 1, 1, 0),
    (0, 1, -1, 2, -2, 0),
    (0, 1, 1, 4, 4, 0),
    (0, 1, -1, 8, -8, 1),
)
# A picture is worked off in strips whose transformed values stay in the processor's caches; but
# of so many tiles at least, since each strip reads the whole transformed kernel.
_STRIP_BYTES: Final = 2**22
_STRIP_TILES_LEAST: Final = 128


class Winograd:
    """One 3 x 3 convolution of stride 1 with zero padding, and its input gradient.

    Both are made with the same transformed kernel, four times as large as the kernel itself; the
    gradient is the adjoint of what is computed, and not a convolution of its own.
    """

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        kernel = torch.tensor(_KERNEL, dtype=torch.float64)
        by_place = weight.double().permute(3, 2, 1, 0).flatten(2).flatten(0, 1)
        # [6 · 6, inputs, outputs]: columns first, as tiles are transformed.
        size = (_IN**2, weight.shape[1], weight.shape[0])
        self._kernel = (torch.kron(kernel, kernel) @ by_place).to(weight.dtype).view(size)
        self._bias = bias
        self._input = torch.tensor(_INPUT, dtype=weight.dtype)
        self._output = torch.tensor(_OUTPUT, dtype=weight.dtype)

    def __call__(self, x: Tensor, relu: bool) -> Tensor:
        """The convolution of x [B, C, H, W], with or without its ReLU; channels last."""
        y = _channels_last(x, self._kernel.shape[2])
        for picture, out in zip(_rows_of(x), _rows_of(y), strict=True):
            for strip in self._strips(picture):
                product = torch.bmm(self._seen(picture, strip), self._kernel)
                values = self._restored(product, strip).add_(self._bias)
                below = out[strip.top : strip.bottom]
                below.copy_((values.relu_() if relu else values)[: len(below), : out.shape[1]])
        return y

    def input_gradient(self, gradient: Tensor) -> Tensor:
        """The gradient with respect to x, from that with respect to what came out."""
        x = _channels_last(gradient, self._kernel.shape[1])
        for picture, out in zip(_rows_of(gradient), _rows_of(x), strict=True):
            for strip in self._strips(picture):
                drawn = torch.bmm(self._drawn(picture, strip), self._kernel.transpose(1, 2))
                values = self._spread(drawn, strip)[:, 1 : 1 + out.shape[1]]
                below = out[strip.top + 1 : strip.bottom + 1]
                below.copy_(values[_SEEN_TWICE:][: len(below)])
                # The strip before this one has drawn at these rows, too.
                shared = out[max(strip.top - 1, 0) : strip.top + 1]
                if strip.top:
                    shared.add_(values[:_SEEN_TWICE])
                else:
                    shared.copy_(values[1:_SEEN_TWICE])
        return x

    def _strips(self, picture: Tensor) -> Iterator[_Strip]:
        down, across = (_tiles_along(side) for side in picture.shape[:2])
        a_tile = self._kernel.itemsize * _IN**2 * max(self._kernel.shape[1:])
        rows = -(-max(_STRIP_TILES_LEAST, _STRIP_BYTES // a_tile) // across)
        for first in range(0, down, rows):
            yield _Strip(first, min(rows, down - first), across)

    def _seen(self, picture: Tensor, strip: _Strip) -> Tensor:
        """Bᵀ d B for what the tiles of a strip see of a picture: [6 · 6, tiles, inputs]."""
        pixels = picture.new_zeros(strip.height + 2, strip.width + 2, picture.shape[2])
        seen = picture[max(strip.top - 1, 0) : strip.bottom + 1]
        pixels[strip.top == 0 :][: len(seen), 1 : 1 + picture.shape[1]] = seen
        row, column = pixels.stride()[:2]
        bands = pixels.as_strided((strip.down, _IN, row), (_OUT * row, row, 1))
        half = torch.matmul(self._input, bands)
        # A tile's columns, then its rows, then where it is.
        size = (_IN, _IN, strip.down, strip.across, column)
        steps = (column, row, _IN * row, _OUT * column, 1)
        columns = half.as_strided(size, steps).reshape(_IN, -1)
        return torch.mm(self._input, columns).view(_IN**2, strip.tiles, column)

    def _restored(self, products: Tensor, strip: _Strip) -> Tensor:
        """Aᵀ m A of all tiles of a strip, put together: [height, width, outputs]."""
        half = torch.mm(self._output, products.view(_IN, -1))
        whole = torch.matmul(self._output, half.view(_OUT, _IN, -1))
        tiles = whole.view(_OUT, _OUT, strip.down, strip.across, -1)
        return tiles.permute(2, 1, 3, 0, 4).reshape(strip.height, strip.width, -1)

    def _drawn(self, picture: Tensor, strip: _Strip) -> Tensor:
        """The adjoint of `_restored`, of a strip of a picture: [6 · 6, tiles, outputs]."""
        pixels = picture[strip.top : strip.bottom]
        missing = (strip.width - pixels.shape[1], strip.height - len(pixels))
        pixels = F.pad(pixels, (0, 0, 0, missing[0], 0, missing[1]))
        bands = pixels.reshape(strip.down, _OUT, -1)
        half = torch.matmul(self._output.T, bands)
        tiles = half.view(strip.down, _IN, strip.across, _OUT, -1).permute(3, 1, 0, 2, 4)
        columns = tiles.reshape(_OUT, -1)
        return torch.mm(self._output.T, columns).view(_IN**2, strip.tiles, -1)

    def _spread(self, drawn: Tensor, strip: _Strip) -> Tensor:
        """The adjoint of `_seen`, from a pixel up and left on: [height + 4, width + 4, inputs]."""
        half = torch.mm(self._input.T, drawn.view(_IN, -1))
        whole = torch.matmul(self._input.T, half.view(_IN, _IN, -1))
        tiles = whole.view(_IN, _IN, strip.down, strip.across, -1).permute(2, 1, 3, 0, 4)
        cells = tiles.new_empty(strip.down + 1, _OUT, strip.across + 1, _OUT, tiles.shape[4])
        cells[-1].zero_()
        cells[:, :, -1].zero_()
        cells[:-1, :, :-1] = tiles[:, :_OUT, :, :_OUT]
        cells[:-1, :, 1:, :_SEEN_TWICE] += tiles[:, :_OUT, :, _OUT:]
        cells[1:, :_SEEN_TWICE, :-1] += tiles[:, _OUT:, :, :_OUT]
        cells[1:, :_SEEN_TWICE, 1:, :_SEEN_TWICE] += tiles[:, _OUT:, :, _OUT:]
        return cells.view(strip.height + _OUT, strip.width + _OUT, -1)


@dataclass(frozen=True, slots=True)
class _Strip:
    """Rows of tiles, from the `first` on: `down` of them, each with `across` tiles."""

    first: int
    down: int
    across: int

    @property
    def tiles(self) -> int:
        return self.down * self.across

    @property
    def top(self) -> int:
        return self.first * _OUT

    @property
    def bottom(self) -> int:
        return self.top + self.height

    @property
    def height(self) -> int:
        return self.down * _OUT

    @property
    def width(self) -> int:
        return self.across * _OUT


def tiles_of(height: int, width: int) -> int:
    """How many tiles cover features of this size."""
    return _tiles_along(height) * _tiles_along(width)


def _tiles_along(side: int) -> int:
    return -(-side // _OUT)


def _channels_last(like: Tensor, channels: int) -> Tensor:
    size = (len(like), channels, *like.shape[2:])
    return torch.empty(size, dtype=like.dtype, memory_format=torch.channels_last)


def _rows_of(pictures: Tensor) -> Tensor:
    return pictures.permute(0, 2, 3, 1)
