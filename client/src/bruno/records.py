"""What the server tells, typed. At run time all of these are plain dictionaries.

A later server may tell more than is named here.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from bruno.options import Options


class Place(TypedDict):
    """Where a painting goes on: the pyramid's level, from 1, and the steps done within it."""

    level: int
    step: int


class Level(TypedDict):
    """One level of the pyramid: its size in pixels and its steps."""

    width: int
    height: int
    steps: int


class Digests(TypedDict):
    """SHA-256 of every picture that was sent, in hexadecimal digits."""

    content: str
    styles: list[str]
    masks: NotRequired[dict[str, str]]
    canvas: NotRequired[str | None]
    palette: NotRequired[str | None]


class Mended(TypedDict):
    """How often a broken stream was gone on with from a preview, and how often begun anew."""

    resumes: int
    restarts: int


class Record(TypedDict):
    """How a painting was made, as its file carries it.

    `options` are all options as resolved, `seconds` what it took, `losses` those of the answer;
    `stopped` says what ended it (steps, plateau, deadline, …), `incomplete` why it is not
    finished, or None. A canvas that the client kept lacks what only the server knows, unless the
    client knew it too. `client` is there where a broken stream was mended.
    """

    software: str
    options: Options
    seed: int
    width: int
    height: int
    steps: int
    seconds: float
    losses: dict[str, Any]
    stopped: str
    incomplete: str | None
    resumed: Place | None
    style_weights: NotRequired[list[float]]
    levels: NotRequired[list[Level]]
    digests: NotRequired[Digests]
    weights: NotRequired[str]
    device: NotRequired[str]
    versions: NotRequired[dict[str, str]]
    client: NotRequired[Mended]


class OptionTold(TypedDict):
    """An option as the server has it; `zero` is what 0 means where that is a word of its own."""

    name: str
    kind: str
    default: Any
    allowed: str
    low: float | None
    high: float | None
    choices: list[str]
    zero: Any
    help: str


class Limits(TypedDict):
    """What the server takes: paintings at once and in the queue, bytes, pixels, styles, sizes."""

    running: int
    waiting: int
    body_bytes: int
    content_pixels: int
    styles: int
    shortest_side: int
    size: int


class Weights(TypedDict):
    """Which VGG-19 the server has."""

    sha256: str
    source: str
    license: str
    input: str


class Description(TypedDict):
    """What the server tells of itself."""

    name: str
    version: str
    health: Literal["ready", "busy", "full", "draining", "broken"]
    running: int
    waiting: int
    options: list[OptionTold]
    presets: dict[str, Options]
    limits: Limits
    device: str
    weights: Weights
    versions: dict[str, str]
    style_cache: dict[str, int]
