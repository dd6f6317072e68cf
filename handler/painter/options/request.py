"""What a painting is asked for with: pictures as bytes, options that are valid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from painter.options.catalog import Options


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
    palette: bytes | None = None
    resume: Resume | None = None

    @property
    def pictures(self) -> dict[str, bytes]:
        """All pictures by the names of their fields, the photo first."""
        styles = {self.style_name(i): data for i, data in enumerate(self.styles, start=1)}
        masks = {f"mask_{i}": data for i, data in self.masks.items()}
        style_masks = {f"style_mask_{i}": data for i, data in self.style_masks.items()}
        others = {
            "content_mask": self.content_mask,
            "canvas": self.canvas,
            "palette": self.palette,
        }
        given = {name: data for name, data in others.items() if data is not None}
        return {"content": self.content, **styles, **masks, **style_masks, **given}

    def style_name(self, index: int) -> str:
        """The field of a style, counted from 1."""
        return "style" if len(self.styles) == 1 else f"style_{index}"
