"""The finished picture, and the record that travels inside it."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, cast

from PIL import Image

from bruno.errors import InvalidInputError
from bruno.options import Format
from bruno.records import Record

FORMATS: Final[Mapping[str, tuple[Format, ...]]] = {
    ".png": ("png", "png16"),
    ".jpg": ("jpeg",),
    ".jpeg": ("jpeg",),
    ".webp": ("webp",),
    ".tif": ("tiff", "tiff16"),
    ".tiff": ("tiff", "tiff16"),
}
"""The formats that go with a file's suffix, the usual one first."""

IMAGE_DESCRIPTION: Final = 0x010E


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

    def _repr_png_(self) -> bytes:
        """What a notebook shows: the picture itself, or a PNG of it."""
        if self.media_type == "image/png":
            return self.data
        file = io.BytesIO()
        self.image.save(file, "PNG", compress_level=1)
        return file.getvalue()

    @property
    def seed(self) -> int:
        """The seed it was painted with."""
        return int(self.record["seed"])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the bytes as the server made them: nothing is converted, nothing is lost.

        The option `format` chooses PNG, JPEG, WebP or TIFF; without it a painting is a PNG.
        Raises InvalidInputError, and writes nothing, where the suffix is that of another format;
        any other suffix, or none, is as good as the right one. A file that cannot be written is
        an OSError.

        >>> from bruno import Bruno
        >>> painting = Bruno().paint("photo.jpg", "starry-night.jpg", format="png")
        >>> painting.save("painting.png")
        >>> painting.save("painting.jpg")
        Traceback (most recent call last):
        bruno.errors.InvalidInputError: painting.jpg would hold image/png: paint with ...
        """
        path, kind = Path(path), self.media_type.rpartition("/")[2]
        wanted = format_of(path) if path.suffix.lower() in FORMATS else kind
        if wanted != kind:
            raise InvalidInputError(
                f'{path.name} would hold {self.media_type}: paint with format="{wanted}" for it, '
                f"or save as .{kind}"
            )
        path.write_bytes(self.data)


def format_of(path: str | os.PathLike[str]) -> Format:
    """The format that a file's suffix asks for, as the option `format` takes it.

    Raises InvalidInputError for a suffix that no format has.

    >>> from bruno.painting import format_of
    >>> format_of("painting.jpg")
    'jpeg'
    """
    formats = FORMATS.get(Path(path).suffix.lower())
    if not formats:
        raise InvalidInputError(f"{path} must end in {', '.join(FORMATS)}")
    return formats[0]


def read_record(picture: str | os.PathLike[str] | bytes) -> Record:
    """Reads the record back from a painting's file or bytes.

    Raises InvalidInputError where there is none.

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
            text = text or image.getexif().get(IMAGE_DESCRIPTION) or ""
    except FileNotFoundError:
        raise InvalidInputError(f"there is no file {name}") from None
    except Exception:  # Pillow's decoders raise anything on broken files
        raise InvalidInputError(f"{name} cannot be read as a picture") from None
    try:
        record = json.loads(text)
        return cast(Record, {**record, "options": dict(record["options"])})
    except (KeyError, RecursionError, TypeError, ValueError):
        raise InvalidInputError(f"{name} carries no record of a Bruno painting") from None
