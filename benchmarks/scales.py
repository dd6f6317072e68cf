"""How much is measured: within 45 minutes, all of it, or as little as shows that it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from peers import STEPS


@dataclass(frozen=True)
class Scale:
    """How much is measured; `scenes` has the place of a pair and a size in px.

    A run that `resumes` goes on where it was interrupted; the others start from nothing.
    """

    target: str
    scenes: tuple[tuple[int, int], ...]
    peer_steps: int
    own_steps: int
    repeats: int
    step_size: int
    serving: tuple[int, int, int]
    together: tuple[int, int, int]
    peaks: tuple[int, ...]
    minutes: float = math.inf
    resumes: bool = False


# A painting that is not as good after so many steps counts as never as good.
_OWN_STEPS: Final = 150
QUICK: Final = Scale(
    "bench",
    ((0, 256), (0, 512), (1, 256)),
    STEPS,
    _OWN_STEPS,
    2,
    512,
    serving=(512, 100, 3),
    together=(256, 60, 2),
    peaks=(512, 1024, 2048),
    minutes=43,  # of 45: what is timed last is timed to its end
)
FULL: Final = Scale(
    "bench-full",
    # The four pairs that were asked for come first, and what takes long after what does not.
    tuple(
        (pair, size) for first in (0, 4) for size in (256, 512) for pair in range(first, first + 4)
    ),
    STEPS,
    _OWN_STEPS,
    3,
    512,
    serving=(512, 100, 4),
    together=(256, 60, 2),
    peaks=(512, 1024, 2048, 4096),
    resumes=True,
)
SMOKE: Final = Scale(
    "smoke", ((0, 64),), 5, 8, 1, 64, serving=(64, 4, 1), together=(64, 4, 1), peaks=(64,)
)
