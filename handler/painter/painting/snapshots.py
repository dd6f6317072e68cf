"""Canvases as they were, on the host: pictures are encoded from them, by any thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from painter.canvas.layout import seamless_of
from painter.device.readings import Arriving
from painter.options.catalog import Options
from painter.painting.progress import Painted, Preview
from painter.pictures.color import finished
from painter.pictures.encoding import MEDIA_TYPES, encode, encode_preview
from painter.pictures.guided import tinted
from painter.pictures.picture import Picture, resize
from painter.planning.pyramid import Shape


@dataclass(frozen=True, slots=True)
class CanvasCopy:
    """Pixels [3, h, w] from 0 to 1 on their way to the host, which no step changes any more.

    `shape` is what they are to be brought to, `photo` what they were painted from, `chroma` the
    color axes that the painting is to have, if any.
    """

    arriving: Arriving
    shape: Shape
    options: Options
    photo: Picture
    chroma: Tensor | None

    def finished(self) -> Tensor:
        """Pixels of that shape, with the colors that were asked for."""
        pixels = resize(self.arriving.tensor, self.shape)
        if self.chroma is not None:
            seamless = seamless_of(self.options)
            return tinted(pixels, self.chroma, self.options.color_strength, seamless)
        if self.options.color != "luminance":
            return pixels
        photo = resize(self.photo.pixels, self.shape)
        return finished(pixels, photo, self.options.color, self.options.color_strength)


@dataclass(frozen=True, slots=True)
class PreviewSnapshot:
    """What a preview is encoded from; `step` counts within `level`."""

    level: int
    step: int
    canvas: CanvasCopy

    def encode(self) -> Preview:
        """The canvas as a JPEG."""
        height, width = self.canvas.shape
        data = encode_preview(self.canvas.finished())
        return Preview(self.level, self.step, width, height, data)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a painting's file is encoded from, with the record that goes into it."""

    canvas: CanvasCopy
    record: Mapping[str, Any]

    def encode(self) -> Painted:
        """The file, in the format that was asked for."""
        canvas, options = self.canvas, self.canvas.options
        alpha, kind = canvas.photo.alpha, options.format
        data = encode(canvas.finished(), alpha, kind, options.quality, self.record)
        height, width = canvas.shape
        return Painted(data, MEDIA_TYPES[kind], width, height, self.record)
