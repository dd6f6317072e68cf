"""Files in and out: standard streams, folders of pictures, writing without half-written files."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import Final

import click

from bruno.errors import InvalidInputError

PICTURES: Final = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif")


def check_output(path: Path, force: bool) -> None:
    """Refuses a file that could not or should not be written, before minutes of painting.

    In a terminal people are asked about a file that is there; a device is there to be written.
    """
    check_place(path)
    if path.is_dir():
        raise click.UsageError(f"{path} cannot be written: it is a folder")
    if path.is_file() and not force and not _is_given_up(path):
        raise click.UsageError(f"{path} is there already: --force paints over it, -o names another")


def _is_given_up(path: Path) -> bool:
    asked = sys.stdin.isatty() and sys.stderr.isatty()
    return asked and click.confirm(f"{path} is there already. Paint over it?", err=True)


def free_place(path: Path, word: str) -> Path:
    """A name beside a file that no file has: painting-word.png, painting-word-2.png, …"""
    numbers = chain([""], (f"-{number}" for number in count(2)))
    names = (f"{path.stem}-{word}{number}{path.suffix}" for number in numbers)
    return next(place for place in map(path.with_name, names) if not place.exists())


def check_place(path: Path) -> None:
    """Refuses a file that could not be written in its folder, by writing another one there."""
    _check_folder(path)
    try:
        if not path.exists() or path.is_file():
            _part_beside(path).touch()
            _part_beside(path).unlink()
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from None


def made_folder(path: Path) -> Path:
    """A folder that can be written, made where there is none in the one that it is in."""
    _check_folder(path)
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from None
    check_place(path / "painting.png")
    return path


def _check_folder(path: Path) -> None:
    if not path.absolute().parent.is_dir():
        raise click.UsageError(f"{path} cannot be written: there is no such folder")


def write(path: Path, data: bytes) -> None:
    """Writes a file in one move, so that nobody ever sees half of it."""
    part = _part_beside(path)
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # a device, such as /dev/null, is not to be replaced
        else:
            part.write_bytes(data)
            part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise InvalidInputError(f"{path} cannot be written: {error.strerror}") from None


def _part_beside(path: Path) -> Path:
    # As long as the longest name may be, no longer one could be put before it.
    return path.with_name(f".bruno-{os.getpid()}.part")


def pictures_in(path: Path) -> list[Path]:
    """The pictures of a folder in the order of their names, or the one file itself."""
    if not path.is_dir():
        return [path]
    pictures = sorted(
        file for file in path.iterdir() if file.suffix.lower() in PICTURES and file.is_file()
    )
    if not pictures:
        raise click.UsageError(f"{path} holds no pictures")
    return pictures


def labels(paths: Sequence[Path]) -> list[str]:
    """A name for each file: without its suffix where that is enough to tell them apart."""
    stems = [path.stem for path in paths]
    return [path.name if stems.count(path.stem) > 1 else path.stem for path in paths]


def digest(picture: bytes) -> str:
    """What records tell pictures apart by."""
    return hashlib.sha256(picture).hexdigest()
