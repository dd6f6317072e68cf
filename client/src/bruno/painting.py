"""The finished picture, and the record that travels inside it."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from PIL import Image

from bruno.errors import InvalidInput

Record = dict[str, Any]

_IMAGE_DESCRIPTION = 0x010E


@dataclass(frozen=True)
class Painting:
    """A finished painting: the picture's bytes, its size in pixels and the run's record.

    The record tells options, seed, losses, seconds and versions; `record["client"]` counts
    how often a broken stream was resumed or restarted, where that happened.

    >>> from bruno import Bruno
    >>> painting = Bruno().paint("photo.jpg", "starry-night.jpg", seed=7)
    >>> painting.media_type, painting.width, painting.height, painting.seed
    ('image/png', 64, 48, 7)
    >>> painting.image.size
    (64, 48)
    """

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    record: Record = field(repr=False)

    @property
    def image(self) -> Image.Image:
        """The picture, decoded by Pillow."""
        return Image.open(io.BytesIO(self.data))

    @property
    def seed(self) -> int:
        """The seed it was painted with."""
        return int(self.record["seed"])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the bytes as the server made them; `format` chooses PNG, JPEG, WebP or TIFF.

        >>> from bruno import Bruno
        >>> painting = Bruno().paint("photo.jpg", "starry-night.jpg", format="png")
        >>> painting.save("painting.png")
        """
        Path(path).write_bytes(self.data)


def read_record(picture: str | os.PathLike[str] | bytes) -> Record:
    """Reads the record back from a painting's file or bytes.

    Raises InvalidInput where there is none.

    >>> from bruno import Bruno, read_record
    >>> Bruno().paint("photo.jpg", "starry-night.jpg", beta=50).save("painting.png")
    >>> read_record("painting.png")["options"]["beta"]
    50
    """
    name = "these bytes" if isinstance(picture, bytes) else os.fspath(picture)
    try:
        with Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture) as image:
            image.load()
            text = getattr(image, "text", {}).get("bruno")
            record = json.loads(text or image.getexif()[_IMAGE_DESCRIPTION])
            return cast(Record, {**record, "options": dict(record["options"])})
    except FileNotFoundError:
        raise InvalidInput(f"there is no file {name}") from None
    except OSError:
        raise InvalidInput(f"{name} cannot be read as a picture") from None
    except (KeyError, TypeError, ValueError):
        raise InvalidInput(f"{name} carries no record of a Bruno painting") from None
