"""What the dials on the first screen are called, in words that a painter uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Words:
    """A dial in a painter's words.

    `low` and `high` are the part of its range that is of use, which the slider covers: more can
    be typed. `choices` are labels of the values, where there is a choice.
    """

    label: str
    hint: str = ""
    low: float = 0.0
    high: float = float("inf")
    choices: Mapping[str, str] = field(default_factory=dict)


PAINTERS: Final[Mapping[str, Words]] = {
    "preset": Words(
        "Begin with",
        choices={
            "draft": "Quick sketch",
            "bruno": "Balanced",
            "neighbors": "Lines and flat color",
            "strotss": "Forms alone",
            "fine": "Large and fine",
            "gatys": "As in 2016",
        },
    ),
    "alpha": Words("Keep the photo", "More keeps edges and faces.", 0.1, 10),
    "beta": Words("Style strength", "More paint, less photo.", 1, 200),
    "style_scale": Words("Stroke size", "From fine to broad.", 0.25, 4),
    "tv": Words("Smoothness", "More calms grain and noise.", 0, 20),
    "size": Words("Size", "Longest side in pixels.", 128, 2048),
    "steps": Words("Patience", "More steps, more time.", 10, 500),
    "color": Words(
        "Colors",
        choices={
            "style": "The painting's",
            "match": "Toned to the photo",
            "luminance": "The photo's",
            "guided": "The photo's, in the painting's range",
        },
    ),
}
"""The options in sight at first, in their order; all others are under "All dials"."""


def glossary() -> str:
    """Which option each of these words means, as a line."""
    return " · ".join(f"{words.label}: {name}" for name, words in PAINTERS.items())
