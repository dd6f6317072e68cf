"""How many times as long one side took as the other."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Ratios:
    """Seconds of two sides that took turns: a machine that drifts slows both in a round."""

    ours: list[float]
    theirs: list[float]

    @property
    def by_round(self) -> list[float]:
        """How many times as long as theirs ours took, round by round."""
        return [own / other for own, other in zip(self.ours, self.theirs, strict=True)]

    @property
    def median(self) -> float:
        """That of the rounds."""
        return median(self.by_round)

    @property
    def further(self) -> float:
        """Seconds that ours took longer."""
        return median(self.ours) - median(self.theirs)

    def __str__(self) -> str:
        low, high = min(self.by_round), max(self.by_round)
        return (
            f"{self.median:.3f} times ({low:.2f} to {high:.2f}, {len(self.ours)} rounds): "
            f"{median(self.ours):.2f} s beside {median(self.theirs):.2f} s"
        )
