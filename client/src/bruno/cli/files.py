"""Files in and out: standard streams, folders of pictures, writing without half-written files."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from PIL import Image

from bruno.errors import InvalidInput

PICTURES: Final = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")
_PILLOWS: Final = {"png16": "png", "tiff16": "tiff"}


def check_output(path: Path) -> None:
    """Refuses a file that could not be written, before minutes of painting."""
    if path.is_dir():
        raise click.UsageError(f"{path} cannot be written: it is a folder")
    check_place(path)


def check_place(path: Path) -> None:
    """Refuses a file or folder that would be in no folder."""
    if not path.absolute().parent.is_dir():
        raise click.UsageError(f"{path} cannot be written: there is no such folder")


def write(path: Path, data: bytes) -> None:
    """Writes a file in one move, so that nobody ever sees half of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # a device, such as /dev/null, is not to be replaced
        else:
            part.write_bytes(data)
            part.replace(path)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}") from None


def encoded(image: Image.Image, format: str) -> bytes:
    """The picture in one of the server's formats."""
    file = io.BytesIO()
    image.convert("RGB").save(file, _PILLOWS.get(format, format))
    return file.getvalue()


def pictures_in(path: Path) -> list[Path]:
    """The pictures of a folder in the order of their names, or the one file itself."""
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
    if not found:
        raise click.UsageError(f"{path} holds no pictures")
    return found


def labels(paths: Sequence[Path]) -> list[str]:
    """A name for each file: without its suffix where that is enough to tell them apart."""
    stems = [path.stem for path in paths]
    return [path.name if stems.count(path.stem) > 1 else path.stem for path in paths]
