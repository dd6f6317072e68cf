"""A painting that was left on its way: the best canvas so far, with a record that says so."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from PIL import Image, PngImagePlugin

from bruno.events import Accepted, Event, Preview, Progress
from bruno.painting import IMAGE_DESCRIPTION, Painting
from bruno.records import Record
from bruno.version import __version__

_PILLOWS: Final = {"png16": "png", "tiff16": "tiff"}
_QUALITY: Final = 92


@dataclass(frozen=True)
class SoFar:
    """What is known of a painting on its way; every event of the SDK makes the next of it."""

    accepted: Accepted | None = None
    progress: Progress | None = None
    preview: Preview | None = None

    def after(self, event: Event) -> SoFar:
        """With one more event."""
        if isinstance(event, Accepted):
            return replace(self, accepted=event)
        if isinstance(event, Progress):
            return replace(self, progress=event)
        return replace(self, preview=event) if isinstance(event, Preview) else self

    @property
    def where(self) -> str:
        """How far it is, in words."""
        done = self.progress
        return f"at {step_of(done)}" if done else "before the first step"

    def painting(self, reason: str, **more: Any) -> Painting | None:
        """The last preview as a painting, in the format that was asked for; None without one.

        Its record has the words of the server's own, and `more` of what the client knows.
        """
        if not self.accepted or not self.preview:
            return None
        known = {**more, **self._known(self.accepted, reason)}
        format = self.accepted.options.get("format") or "png"
        return as_painting(self.preview.data, known, format)

    def _known(self, accepted: Accepted, reason: str) -> dict[str, Any]:
        done = self.progress
        losses = {"content": done.content_loss, "style": done.style_loss} if done else {}
        return {
            "software": f"bruno {__version__}",
            "options": accepted.options,
            "seed": accepted.seed,
            "steps": done.step if done else 0,
            "seconds": done.seconds if done else 0.0,
            "losses": losses,
            "stopped": "client",
            "incomplete": f"{reason} {self.where}: the canvas is its last preview",
            "resumed": accepted.resumed,
        }


def step_of(progress: Progress) -> str:
    """The step, and of how many, in words."""
    of = f" of {progress.steps}" if progress.steps else ""
    return f"step {progress.step}{of}"


def as_painting(canvas: bytes, known: Mapping[str, Any], format: str) -> Painting:
    """A preview as a painting that carries a record, as the server's paintings do."""
    image = Image.open(io.BytesIO(canvas)).convert("RGB")
    record = cast(Record, {**known, "width": image.width, "height": image.height})
    kind = _PILLOWS.get(format, format)
    data = encoded(image, format, json.dumps(record))
    return Painting(data, f"image/{kind}", image.width, image.height, record)


def encoded(image: Image.Image, format: str, note: str | None = None) -> bytes:
    """A picture in one of the server's formats, with 8 bits a channel, and a record as text."""
    kind, file = _PILLOWS.get(format, format), io.BytesIO()
    quality = {"quality": _QUALITY} if kind in ("jpeg", "webp") else {}
    image.convert("RGB").save(file, kind, **quality, **(_noted(kind, note) if note else {}))
    return file.getvalue()


def _noted(kind: str, note: str) -> dict[str, Any]:
    """What makes Pillow write a record where `read_record` looks for it."""
    if kind == "png":
        notes = PngImagePlugin.PngInfo()
        notes.add_itxt("bruno", note)
        return {"pnginfo": notes}
    if kind == "tiff":
        return {"tiffinfo": {IMAGE_DESCRIPTION: note}}
    exif = Image.Exif()
    exif[IMAGE_DESCRIPTION] = note
    return {"exif": exif}
