"""What a painting is asked for with: pictures as bytes, options that are valid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from painter.options import Options


@dataclass(frozen=True, slots=True)
class Resume:
    """The level (from 1) and the step within it after which a painting goes on."""

    level: int
    step: int


@dataclass(frozen=True, slots=True)
class Request:
    """One painting to be made; pictures are encoded, masks are named by their style, from 1."""

    options: Options
    content: bytes
    styles: tuple[bytes, ...]
    style_weights: tuple[float, ...] | None = None
    masks: Mapping[int, bytes] = field(default_factory=dict)
    style_masks: Mapping[int, bytes] = field(default_factory=dict)
    content_mask: bytes | None = None
    canvas: bytes | None = None
    resume: Resume | None = None
