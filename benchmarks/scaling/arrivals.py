"""When jobs come, and how much work each is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Arrivals:
    """Poisson arrivals at a rate that may change, with works drawn from a mix.

    `rates` are (from second, arrivals a second); `mix` are (share, seconds of work alone).
    """

    rates: list[tuple[float, float]]
    mix: list[tuple[float, float]]
    seed: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311

    def until(self, end: float) -> Iterator[tuple[float, float]]:
        """The arrivals before a moment, by thinning of the highest rate."""
        highest = max(rate for _, rate in self.rates)
        shares, works = zip(*self.mix, strict=True)
        now = 0.0
        while (now := now + self._random.expovariate(highest)) < end:
            rate = next(rate for since, rate in reversed(self.rates) if since <= now)
            if self._random.random() * highest < rate:
                yield now, self._random.choices(works, shares)[0]
