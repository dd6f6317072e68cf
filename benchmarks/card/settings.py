"""What a run is asked for, and how its time is shared out; kept in a file between processes."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

# Seconds of a run of BUDGET that each section may take, in their order; what one leaves over goes
# to those after it.
BUDGET: Final = 240.0
SHARES: Final = {
    "machine": 20.0,
    "convolutions": 10.0,
    "steps": 40.0,
    "correctness": 40.0,
    "paintings": 45.0,
    "peers": 50.0,
    "kernels": 35.0,
    "http": 120.0,
}
# Exit codes of a process that measures: for one that another has to go on for, and for a refusal.
AGAIN: Final = 75
REFUSED: Final = 2
# Those of the command without --serve.
SECTIONS: Final = tuple(name for name in SHARES if name != "http")


@dataclass(frozen=True)
class Share:
    """The time that a section, or a part of it, has until it must stop."""

    end: float

    @property
    def left(self) -> float:
        """Seconds, below 0 once it is over."""
        return self.end - time.time()

    def part(self, share: float) -> Share:
        """A part of what is left from now on."""
        return Share(time.time() + share * max(0.0, self.left))


@dataclass(frozen=True)
class Settings:
    """One run: `began` in seconds of the epoch, paths as text.

    `weights` is empty where a wheel or random ones must do; `peer_wheels` are those of peers with
    their names; what is made for the run lies in `scratch`, and what stays of it in `out`.
    """

    device: str
    smoke: bool
    budget: float
    sections: tuple[str, ...]
    began: float
    out: str
    scratch: str
    weights: str = ""
    weights_wheel: str = ""
    peer_wheels: tuple[tuple[str, str], ...] = ()

    def share(self, section: str) -> Share:
        """What a section that begins now may take: its own time, and what the others left over."""
        scale = self.budget / BUDGET
        names = list(self.sections)
        until = sum(SHARES[name] for name in names[: names.index(section) + 1]) * scale
        own = time.time() + SHARES[section] * scale
        return Share(min(self.began + self.budget, max(self.began + until, own)))

    def save(self, path: Path) -> None:
        """Writes it where the process that measures reads it."""
        path.write_text(json.dumps(asdict(self)))


def load_settings(path: Path) -> Settings:
    """What `save` wrote."""
    found = json.loads(path.read_text())
    wheels = tuple((peer, wheel) for peer, wheel in found["peer_wheels"])
    return Settings(**{**found, "sections": tuple(found["sections"]), "peer_wheels": wheels})
