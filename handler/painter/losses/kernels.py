"""Triton's kernels of the losses. One program does BLOCK values; sums are added up afterwards.

Whatever imports this needs Triton, which compiles a kernel for the device at its first call.
Scalars are read from the device, where they are. Programs have one value each of a sum, since a
sum that all of them add to would come out in another order each time.
"""

import triton
import triton.language as tl

# Of features, and of matrices.
FEATURES_BLOCK = 4096
MATRIX_BLOCK = 1024


@triton.jit(do_not_specialize=["count"])
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


@triton.jit(do_not_specialize=["positions", "count"])
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


@triton.jit(do_not_specialize=["positions", "count"])
def scaled(matrix, scale, found, positions, count, BLOCK: tl.constexpr):
    """A matrix times twice a scale by position, in the type of what is written."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    within = at < count
    value = tl.load(matrix + at, mask=within, other=0.0).to(tl.float32)
    factor = tl.load(scale).to(tl.float32) * 2 / positions
    tl.store(found + at, value * factor, mask=within)
