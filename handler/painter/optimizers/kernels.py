"""Triton's kernels of a step of Adam: what `adam.py` says, decided and done on the device.

Whatever imports this needs Triton, which compiles a kernel for the device at its first call.
"""

import triton
import triton.language as tl

BLOCK = 1024
_SIZES = ["height", "width", "plane", "row", "column"]


@triton.jit
def _gradient_at(gradient, at, within, width, plane, row, column):
    """Values of a channel, a pixel of which is as far from the next as `row` and `column` say."""
    start = gradient + tl.program_id(1).to(tl.int64) * plane
    return tl.load(start + at // width * row + at % width * column, mask=within, other=0.0)


@triton.jit(do_not_specialize=_SIZES, do_not_specialize_on_alignment=["gradient"])
def add_up(gradient, sums, height, width, plane, row, column, BLOCK: tl.constexpr):
    """Sums of a gradient [3, height, width] in float64: of each program, a part of a channel."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = _gradient_at(gradient, at, at < height * width, width, plane, row, column)
    total = tl.sum(value.to(tl.float64), 0)
    tl.store(sums + tl.program_id(1) * tl.num_programs(0) + tl.program_id(0), total)


@triton.jit
def _bias(LOGARITHM: tl.constexpr, steps):
    """What an average has gathered after so many steps, its decay's logarithm given."""
    return tl.where(steps > 0, 1 - tl.exp(LOGARITHM * steps), 1.0)


@triton.jit
def _learned(first, second, gradient, sound, DECAY: tl.constexpr, SQUARE_DECAY: tl.constexpr):
    """Both moments with a gradient, which is 0 where it is not sound."""
    first += tl.where(sound, 1 - DECAY, 0.0) * (gradient - first)
    second = second * tl.where(sound, SQUARE_DECAY, 1.0)
    return first, second + (1 - SQUARE_DECAY) * gradient * gradient


@triton.jit(do_not_specialize=["programs", "pixels", "pace", "epsilon"])
def decide(
    sums,
    loss,
    steps,
    channel_first,
    channel_second,
    channel_steps,
    learning_rate,
    last_rate,
    broken,
    lost,
    decided,
    programs,
    pixels,
    pace,
    epsilon,
    UNSOUND_MOST: tl.constexpr,
    CHANNEL_RATE: tl.constexpr,
    DECAY: tl.constexpr,
    SQUARE_DECAY: tl.constexpr,
    LOGARITHM: tl.constexpr,
    SQUARE_LOGARITHM: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Whether an evaluation counts, at which rate all moves, and the step of each channel.

    One program. It decides [7]: soundness, rate, the two biases of the pixels, and three shifts.
    """
    which = tl.arange(0, 4)
    channels = which < 3
    total = tl.zeros([4, BLOCK], dtype=tl.float64)
    for start in range(0, programs, BLOCK):
        at = start + tl.arange(0, BLOCK)
        there = channels[:, None] & (at < programs)[None, :]
        total += tl.load(sums + which[:, None] * programs + at[None, :], mask=there, other=0.0)
    mean = (tl.sum(total, 1) / pixels).to(tl.float32)
    broken_sums = tl.sum(tl.where(tl.abs(mean) < float("inf"), 0, 1), 0)
    was_lost = tl.load(lost) != 0
    finite = (tl.abs(tl.load(loss)) < float("inf")) & (broken_sums == 0)
    sound = finite & (was_lost == 0)
    times = tl.where(sound, 0, tl.load(broken) + 1)
    is_lost = was_lost | (times >= UNSOUND_MOST)
    tl.store(broken, times)
    tl.store(lost, is_lost)
    before = tl.load(learning_rate)
    rate = tl.where(sound, before * pace, -tl.load(last_rate))
    tl.store(last_rate, tl.where(sound, before * pace, 0.0))
    tl.store(learning_rate, before * tl.where(sound | is_lost, 1.0, 0.5))

    first = tl.load(channel_first + which, mask=channels, other=0.0)
    second = tl.load(channel_second + which, mask=channels, other=0.0)
    mean = tl.where(sound, mean, 0.0)
    first, second = _learned(first, second, mean, sound, DECAY, SQUARE_DECAY)
    taken = tl.load(channel_steps) + tl.where(sound, 1, 0)
    root = tl.sqrt(second / _bias(SQUARE_LOGARITHM, taken).to(tl.float32)) + epsilon
    direction = first / _bias(LOGARITHM, taken).to(tl.float32) / root
    tl.store(channel_first + which, tl.where(sound, first, 0.0), mask=channels)
    tl.store(channel_second + which, second, mask=channels)
    tl.store(channel_steps, taken)

    taken = tl.load(steps) + tl.where(sound, 1, 0)
    tl.store(steps, taken)
    tl.store(decided, tl.where(sound, 1.0, 0.0))
    tl.store(decided + 1, rate)
    tl.store(decided + 2, _bias(LOGARITHM, taken))
    tl.store(decided + 3, _bias(SQUARE_LOGARITHM, taken))
    tl.store(decided + 4 + which, direction * (rate * CHANNEL_RATE).to(tl.float32), mask=channels)


@triton.jit(do_not_specialize=[*_SIZES, "epsilon"], do_not_specialize_on_alignment=["gradient"])
def move(
    gradient,
    decided,
    canvas,
    first,
    second,
    height,
    width,
    plane,
    row,
    column,
    epsilon,
    DECAY: tl.constexpr,
    SQUARE_DECAY: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """The moments of all pixels, and the canvas moved against them; these lie row by row."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    within = at < height * width
    value = _gradient_at(gradient, at, within, width, plane, row, column)
    sound, rate = tl.load(decided) != 0, tl.load(decided + 1)
    to = tl.program_id(1).to(tl.int64) * height * width + at
    mean = tl.load(first + to, mask=within, other=0.0)
    square = tl.load(second + to, mask=within, other=0.0)
    value = tl.where(sound, value, 0.0)
    mean, square = _learned(mean, square, value, sound, DECAY, SQUARE_DECAY)
    root = (tl.sqrt(square / tl.load(decided + 3)) + epsilon) * tl.load(decided + 2)
    shift = tl.load(decided + 4 + tl.program_id(1))
    moved = tl.load(canvas + to, mask=within, other=0.0) - mean * rate / root - shift
    tl.store(canvas + to, tl.minimum(tl.maximum(moved, 0.0), 1.0), mask=within)
    tl.store(first + to, tl.where(sound, mean, 0.0), mask=within)
    tl.store(second + to, square, mask=within)
