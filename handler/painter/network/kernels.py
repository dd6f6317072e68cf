"""Triton's kernels of the network, for features that lie channels last: [B, H, W, C] in memory.

Whatever imports this needs Triton, which compiles a kernel for the device at its first call.
"""

import triton
import triton.language as tl

# What one program does, of a row's channels or of all.
BLOCK = 1024


@triton.jit(do_not_specialize=["rows", "columns"])
def pool(x, pooled, places, rows, columns, CHANNELS: tl.constexpr, BLOCK: tl.constexpr):
    """The largest of each cell of 2 x 2 of x [B, rows, columns, C], and which of the four it is.

    Places are 0 to 3, row by row, the first of equals; or 4 where no maximum is positive. Programs
    are of a part of a row, a row and a picture of the cells.
    """
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    row, picture = tl.program_id(1), tl.program_id(2).to(tl.int64)
    height, width = rows // 2, columns // 2
    within = at < width * CHANNELS
    first = x + (picture * rows + 2 * row) * columns * CHANNELS
    corner = first + at // CHANNELS * (2 * CHANNELS) + at % CHANNELS
    best = tl.load(corner, mask=within, other=0.0).to(tl.float32)
    place = tl.zeros([BLOCK], dtype=tl.int32)
    for number in tl.static_range(1, 4):
        beside = corner + (number // 2 * columns + number % 2) * CHANNELS
        other = tl.load(beside, mask=within, other=0.0).to(tl.float32)
        # As PyTorch has it: what is no number wins.
        better = (other > best) | (other != other)
        best = tl.where(better, other, best)
        place = tl.where(better, number, place)
    place = tl.where(best <= 0, 4, place)
    to = (picture * height + row) * width * CHANNELS + at
    tl.store(pooled + to, best, mask=within)
    tl.store(places + to, place.to(tl.uint8), mask=within)


@triton.jit(do_not_specialize=["rows", "columns"])
def unpool(gradient, places, whole, rows, columns, CHANNELS: tl.constexpr, BLOCK: tl.constexpr):
    """The gradient [B, rows, columns, C] at what `pool` was given, all of it written.

    Programs are of a part of a row, a row and a picture of it.
    """
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    row, picture = tl.program_id(1), tl.program_id(2).to(tl.int64)
    height, width = rows // 2, columns // 2
    column = at // CHANNELS
    within = at < columns * CHANNELS
    pooled = within & (row // 2 < height) & (column // 2 < width)
    source = (picture * height + row // 2) * width * CHANNELS
    source += column // 2 * CHANNELS + at % CHANNELS
    place = tl.load(places + source, mask=pooled, other=4).to(tl.int32)
    value = tl.load(gradient + source, mask=pooled, other=0.0).to(tl.float32)
    mine = place == row % 2 * 2 + column % 2
    to = (picture * rows + row) * columns * CHANNELS + at
    tl.store(whole + to, tl.where(mine, value, 0.0), mask=within)


@triton.jit(do_not_specialize=["count"])
def tap(x, bias, tapped, rectified, count, CHANNELS: tl.constexpr, BLOCK: tl.constexpr):
    """Features plus a bias of each channel, in the type of what is written, and their ReLU."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    within = at < count
    channel = at % CHANNELS
    value = tl.load(x + at, mask=within, other=0.0).to(tl.float32)
    value += tl.load(bias + channel, mask=within, other=0.0).to(tl.float32)
    tl.store(tapped + at, value, mask=within)
    # As PyTorch has it: what is no number stays.
    tl.store(rectified + at, tl.where(value < 0, 0.0, value), mask=within)


@triton.jit(do_not_specialize=["count"])
def pass_and_add(gradient, sign, at_tap, total, count, BLOCK: tl.constexpr):
    """The gradient where a sign is positive, and one at a tap everywhere."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    within = at < count
    value = tl.load(gradient + at, mask=within, other=0.0).to(tl.float32)
    stopped = tl.load(sign + at, mask=within, other=0.0).to(tl.float32) <= 0
    more = tl.load(at_tap + at, mask=within, other=0.0).to(tl.float32)
    tl.store(total + at, tl.where(stopped, 0.0, value) + more, mask=within)
