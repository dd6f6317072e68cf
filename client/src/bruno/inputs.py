"""Pictures in any form become the bytes that are sent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from PIL import Image

from bruno.download import download
from bruno.encoding import from_array, from_image
from bruno.errors import InvalidInputError


class Array(Protocol):
    """A numpy array, or what looks like one: height x width, or that x 3 or 4 channels."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...

    @property
    def dtype(self) -> Any: ...


Picture = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | Array


def read_picture(field: str, picture: Picture, timeout: tuple[float, float]) -> bytes:
    """The bytes of a path, http(s) URL, bytes, open binary file, PIL image or array.

    Arrays hold 0 to 255 as uint8, 0 to 1 as floats, or booleans; of an image of mode F or I
    white is 1 or 255, or 255 or 65535. Raises InvalidInputError that names the field.
    """
    if isinstance(picture, bytes):
        return picture
    if is_address(picture):
        return download(field, str(picture), timeout)
    if isinstance(picture, str | os.PathLike):
        return _read_path(field, Path(os.fsdecode(picture)))
    if isinstance(picture, Image.Image):
        return from_image(field, picture)
    if hasattr(picture, "__array_interface__") and hasattr(picture, "dtype"):
        return from_array(field, picture)
    return _read_file(field, picture)


def is_address(picture: object) -> bool:
    """Whether a picture is to be fetched."""
    return isinstance(picture, str) and picture.startswith(("http://", "https://"))


def _read_path(field: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{field}: {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InvalidInputError(f"{field}: {path!s:.80} cannot be read: {error}") from None


def _read_file(field: str, file: Any) -> bytes:
    try:
        data = file.read() if hasattr(file, "read") else None
    except UnicodeDecodeError:
        data = None  # of a picture opened as text
    except Exception as error:  # whatever reads like a file raises what it likes
        raise InvalidInputError(f"{field}: the file cannot be read: {error}") from None
    if not isinstance(data, bytes):
        raise InvalidInputError(
            f"{field} must be a path, a URL, bytes, a file opened in binary mode, "
            f"a PIL image or an array, got {type(file).__name__}"
        )
    if not data:
        raise InvalidInputError(f"{field}: nothing is left to be read in this file: seek(0) first")
    return data
