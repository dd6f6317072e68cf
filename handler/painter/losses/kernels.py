"""Triton's kernels of the losses. One program does BLOCK values; sums are added up afterwards.

Whatever imports this needs Triton, which compiles a kernel for the device at its first call.
Scalars are read from the device, where they are. Programs have one value each of a sum, since a
sum that all of them add to would come out in another order each time. Scalars may lie anywhere in
an array: Triton would compile anew for each place that is a multiple of 16 bytes or is not.
"""

import triton
import triton.language as tl

# Of features, of matrices, and of a canvas.
FEATURES_BLOCK = 4096
MATRIX_BLOCK = 1024
CANVAS_BLOCK = 1024


@triton.jit(do_not_specialize=["count"], do_not_specialize_on_alignment=["norm", "scale"])
def content(features, target, norm, scale, gradient, losses, count, BLOCK: tl.constexpr):
    """The gradient of `scale` times the loss, and each program's part of the loss."""
    program = tl.program_id(0)
    at = program.to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    within = at < count
    here = tl.load(features + at, mask=within, other=0.0).to(tl.float32)
    difference = here - tl.load(target + at, mask=within, other=0.0).to(tl.float32)
    whole = tl.load(norm).to(tl.float32)
    factor = 2 * tl.load(scale).to(tl.float32) / whole
    tl.store(gradient + at, difference * factor, mask=within)
    tl.store(losses + program, tl.sum(difference * difference, 0) / whole)


@triton.jit(
    do_not_specialize=["positions", "count"],
    do_not_specialize_on_alignment=["norm", "share", "weight"],
)
def gram(
    second,
    target,
    norm,
    share,
    weight,
    difference,
    scale,
    losses,
    positions,
    count,
    BLOCK: tl.constexpr,
):
    """A Gram matrix, of a sum over positions, minus the style's; each program's part of the loss.

    The first one writes by what the difference is to be multiplied for the gradient.
    """
    program = tl.program_id(0)
    at = program * BLOCK + tl.arange(0, BLOCK)
    within = at < count
    here = tl.load(second + at, mask=within, other=0.0) / positions
    apart = here - tl.load(target + at, mask=within, other=0.0)
    whole = tl.load(norm).to(tl.float32)
    part = tl.load(share).to(tl.float32)
    tl.store(difference + at, apart, mask=within)
    tl.store(losses + program, tl.sum(apart * apart, 0) * part / whole)
    factor = 2 / whole * tl.load(weight).to(tl.float32) * part
    tl.store(scale, factor, mask=program == 0)


@triton.jit(do_not_specialize=["positions", "count"], do_not_specialize_on_alignment=["scale"])
def scaled(matrix, scale, found, positions, count, BLOCK: tl.constexpr):
    """A matrix times twice a scale by position, in the type of what is written."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    within = at < count
    value = tl.load(matrix + at, mask=within, other=0.0).to(tl.float32)
    factor = tl.load(scale).to(tl.float32) * 2 / positions
    tl.store(found + at, value * factor, mask=within)


@triton.jit
def _apart(here, there, is_there):
    """The differences of pixels, 0 where there is no other."""
    return tl.where(is_there, here - tl.load(there, mask=is_there, other=0.0), 0.0)


@triton.jit(
    do_not_specialize=["height", "width", "plane", "row", "column"],
    do_not_specialize_on_alignment=["gradient", "weight"],
)
def variation(
    canvas,
    gradient,
    weight,
    losses,
    height,
    width,
    plane,
    row,
    column,
    DOWN: tl.constexpr,
    ACROSS: tl.constexpr,
    HAS_GRADIENT: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Squared differences of neighboring pixels, per pixel; their gradient is added, weighted.

    The canvas [3, height, width] lies row by row, and a pixel of the gradient is as far from the
    next one as `plane`, `row` and `column` say. With DOWN and ACROSS the last pixels are neighbors
    of the first. Programs are of a part of a channel.
    """
    channel, programs = tl.program_id(1), tl.num_programs(0)
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    pixels = height * width
    within = at < pixels
    y, x = at // width, at % width
    start = canvas + channel.to(tl.int64) * pixels
    here = tl.load(start + at, mask=within, other=0.0)
    # Places before and after along an axis, the other end's where there is none.
    below = tl.where(y + 1 < height, at + width, x)
    above = tl.where(y > 0, at - width, at + pixels - width)
    right = tl.where(x + 1 < width, at + 1, at + 1 - width)
    left = tl.where(x > 0, at - 1, at + width - 1)
    down = _apart(here, start + below, within & (DOWN | (y + 1 < height)))
    across = _apart(here, start + right, within & (ACROSS | (x + 1 < width)))
    part = tl.sum(down * down + across * across, 0) / pixels
    tl.store(losses + channel * programs + tl.program_id(0), part)
    if HAS_GRADIENT:
        total = down + across
        total += _apart(here, start + above, within & (DOWN | (y > 0)))
        total += _apart(here, start + left, within & (ACROSS | (x > 0)))
        to = gradient + channel.to(tl.int64) * plane + y * row + x * column
        before = tl.load(to, mask=within, other=0.0)
        scale = 2 * tl.load(weight).to(tl.float32) / pixels
        tl.store(to, before + total * scale, mask=within)
