"""The pictures of the library: in the distribution, or fetched once into a folder."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Final

from PIL import Image

from bruno.download import download
from bruno.errors import InvalidInputError
from bruno.styles.catalog import Style, find

TIMEOUT: Final = (10.0, 60.0)
"""Seconds to connect to a collection, and seconds that may pass without a byte."""


def folder() -> Path:
    """Where fetched paintings are kept: BRUNO_CACHE, else bruno/styles in the user's cache.

    >>> from bruno import styles
    >>> styles.folder().name
    'styles'
    """
    given = os.environ.get("BRUNO_CACHE")
    caches = os.environ.get("XDG_CACHE_HOME")
    return (
        Path(given).expanduser()
        if given
        else (Path(caches) if caches else Path.home() / ".cache") / "bruno" / "styles"
    )


def is_here(name: str) -> bool:
    """Whether the picture of a style is on this machine already.

    Raises InvalidInputError for a name that the library does not have.

    >>> from bruno import styles
    >>> styles.is_here("swirls")
    True
    """
    return _place(find(name)).is_file()


def path(name: str) -> Path:
    """The file of a style that is on this machine already.

    Raises InvalidInputError for a name that the library does not have, and for a painting that was
    not fetched yet.

    >>> from bruno import styles
    >>> styles.path("ink").name
    'ink.webp'
    """
    if not is_here(name):
        raise InvalidInputError(f"{name} is not here yet: bruno.styles.fetch({name!r}) brings it")
    return _place(find(name))


def load(name: str, timeout: tuple[float, float] = TIMEOUT) -> bytes:
    """The picture of a style, as the bytes of a file; fetched where it is not here yet.

    Raises InvalidInputError, as `fetch` does.

    >>> from bruno import Bruno, styles
    >>> Bruno().paint("photo.jpg", styles.load("pointillism")).width
    64
    """
    return fetch(name, timeout).read_bytes()


def fetch(name: str, timeout: tuple[float, float] = TIMEOUT) -> Path:
    """Brings a painting into the cache, unless it is there, and tells its file.

    `timeout` is the seconds to connect and the seconds without a byte. The file appears whole or
    not at all, however many fetch it at once. Raises InvalidInputError for a name that the library
    does not have, an address that does not answer with a picture of at most 48 MiB, a checksum
    that is another, and a folder that cannot be written.

    >>> from bruno import styles
    >>> styles.fetch("mosaic") == styles.path("mosaic")
    True
    """
    style = find(name)
    place = _place(style)
    if style.address and not place.is_file():
        _keep(style.name, place, _checked(style, download(f"style {name}", style.address, timeout)))
    return place


def _place(style: Style) -> Path:
    if style.built_in:
        return Path(str(files(__package__).joinpath(f"{style.name}.webp")))
    return folder() / f"{style.name}.jpg"


def _checked(style: Style, data: bytes) -> bytes:
    digest = hashlib.sha256(data).hexdigest()
    if style.sha256 and digest != style.sha256:
        raise InvalidInputError(
            f"style {style.name}: {style.address} answered with another picture: its SHA-256 is "
            f"{digest} instead of {style.sha256}"
        )
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.verify()
    except Exception as error:  # Pillow's decoders raise anything on what is no picture
        raise InvalidInputError(
            f"style {style.name}: {style.address} answered with no picture: {error}"
        ) from None
    return data


def _keep(name: str, place: Path, data: bytes) -> None:
    part = place.with_name(f".{name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(place)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise InvalidInputError(
            f"style {name}: {place} cannot be written: {error.strerror}; BRUNO_CACHE names "
            "another folder"
        ) from None
