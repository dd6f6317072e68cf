"""Triton's kernel of the canvas's margin.

Whatever imports this needs Triton, which compiles a kernel for the device at its first call.
"""

import triton
import triton.language as tl

BLOCK = 512


@triton.jit
def _shows(place, before, after, length, NUMBER: tl.constexpr):
    """Where a place of an axis is seen within the margin, and whether: itself and two mirrors."""
    if NUMBER == 0:
        return before + place, place < length
    if NUMBER == 1:
        return before - place, (place >= 1) & (place <= before)
    return before + 2 * length - 2 - place, (place >= length - 1 - after) & (place <= length - 2)


@triton.jit(do_not_specialize=["top", "left", "height", "width", "plane", "row", "column"])
def fold(
    gradient,
    top,
    left,
    height,
    width,
    plane,
    row,
    column,
    MARGIN: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Adds what the margin's mirrors show of the pixels [height, width] to their gradient.

    A pixel is as far from the next one as `plane`, `row` and `column` say. Programs are of a part
    of a channel; none reads what another one writes, since mirrors are in the margin.
    """
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    within = at < height * width
    start = gradient + tl.program_id(1).to(tl.int64) * plane
    total = tl.zeros([BLOCK], dtype=tl.float32)
    for vertical in tl.static_range(3):
        down, is_there = _shows(at // width, top, MARGIN - top, height, vertical)
        for horizontal in tl.static_range(3):
            across, too = _shows(at % width, left, MARGIN - left, width, horizontal)
            seen = start + down * row + across * column
            total += tl.load(seen, mask=within & is_there & too, other=0.0)
    tl.store(start + (top + at // width) * row + (left + at % width) * column, total, mask=within)
