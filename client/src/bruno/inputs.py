"""Pictures in any form become the bytes that are sent."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import requests
from PIL import Image, ImageOps

from bruno.connection import reason_of
from bruno.errors import InvalidInput


class Array(Protocol):
    """A numpy array, or what looks like one: height x width, or that x 3 or 4 channels."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


Picture = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | Array

DOWNLOAD_BYTES: Final = 48 * 2**20
_PNG_MODES: Final = ("1", "L", "LA", "P", "I;16", "RGB", "RGBA")


def read_picture(field: str, picture: Picture, timeout: tuple[float, float]) -> bytes:
    """The bytes of a path, http(s) URL, bytes, open binary file, PIL image or array.

    Arrays hold 0 to 255 as uint8, 0 to 1 as floats, or booleans. Raises InvalidInput that
    names the field.
    """
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, str) and picture.startswith(("http://", "https://")):
        return _download(field, picture, timeout)
    if isinstance(picture, str | os.PathLike):
        return _read_path(field, Path(picture))
    if isinstance(picture, Image.Image):
        return _png(picture)
    if hasattr(picture, "__array_interface__"):
        return _png(_from_array(field, picture))
    data = picture.read() if hasattr(picture, "read") else None
    if not isinstance(data, bytes):
        raise InvalidInput(
            f"{field} must be a path, a URL, bytes, a file opened in binary mode, "
            f"a PIL image or an array, got {type(picture).__name__}"
        )
    return data


def _read_path(field: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{field}: {path} cannot be read: {error.strerror}") from None


def _download(field: str, url: str, timeout: tuple[float, float]) -> bytes:
    try:
        with requests.get(url, timeout=timeout, stream=True) as answer:
            answer.raise_for_status()
            data = bytearray()
            for piece in answer.iter_content(2**16):
                data += piece
                if len(data) > DOWNLOAD_BYTES:
                    raise InvalidInput(
                        f"{field}: {url} must be at most {DOWNLOAD_BYTES} bytes, got more"
                    )
            return bytes(data)
    except requests.HTTPError as error:
        raise InvalidInput(f"{field}: {url} answered {error.response.status_code}") from None
    except requests.RequestException as error:
        raise InvalidInput(f"{field}: {url} cannot be fetched: {reason_of(error)}") from None


def _png(image: Image.Image) -> bytes:
    upright = ImageOps.exif_transpose(image)
    if upright.mode not in _PNG_MODES:
        upright = upright.convert("RGB")
    file = io.BytesIO()
    upright.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _from_array(field: str, array: Any) -> Image.Image:
    kind = array.dtype.kind
    if kind == "b":
        array = array.astype("uint8") * 255
    elif kind == "f":
        if not ((array >= 0) & (array <= 1)).all():
            raise InvalidInput(
                f"{field}: an array of floats must hold values from 0 to 1, "
                f"got {array.min():g} to {array.max():g}"
            )
        array = (array * 255 + 0.5).astype("uint8")
    shape = array.shape
    if array.dtype != "uint8" or not (len(shape) == 2 or len(shape) == 3 and shape[2] in (3, 4)):
        raise InvalidInput(
            f"{field}: an array must be uint8, float or bool of shape H x W, H x W x 3 or "
            f"H x W x 4, got {array.dtype} of shape {shape}"
        )
    return Image.fromarray(array)
