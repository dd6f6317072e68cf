"""The pictures of many tasks."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from bruno.errors import InvalidInputError
from bruno.inputs import Picture, is_address, read_picture
from bruno.protocol.request import pictures_of
from bruno.tasks import Task


@dataclass
class _Print:
    """A picture that is read once, and how often it is still needed."""

    needed: int = 0
    data: bytes | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Album:
    """Reads pictures for tasks in any threads; what may not be read twice is read once.

    Files on disk are read anew for each task, so that a thousand of them need no memory. Of the
    others each is kept until its last task has it. Open files are read at once, since they may
    be closed or read on by the time their task comes.
    """

    def __init__(self, tasks: Iterable[Task], timeout: tuple[float, float]) -> None:
        self._timeout = timeout
        self._prints: dict[str | int, _Print] = {}
        for task in tasks:
            with suppress(InvalidInputError):  # told when the task is begun
                for name, picture in pictures_of(task.content, task.style, task.options).items():
                    self._expect(name, picture)

    def __len__(self) -> int:
        """How many pictures are kept."""
        return sum(one.data is not None for one in self._prints.values())

    def read(self, name: str, picture: Picture) -> bytes:
        """The bytes of a picture; raises InvalidInputError that names the field."""
        one = self._prints.get(_key(picture))
        if not one:
            return read_picture(name, picture, self._timeout)
        with one.lock:
            one.needed -= 1
            data = one.data or read_picture(name, picture, self._timeout)
            one.data = data if one.needed else None
            return data

    def _expect(self, name: str, picture: Picture) -> None:
        if _is_on_disk(picture):
            return
        one = self._prints.setdefault(_key(picture), _Print())
        one.needed += 1
        if hasattr(picture, "read") and not one.data:
            with suppress(InvalidInputError):  # as above
                one.data = read_picture(name, picture, self._timeout)


class KeptPictures:
    """Reads pictures that are needed again and again, each once; in one thread at a time."""

    def __init__(self, timeout: tuple[float, float]) -> None:
        self._timeout = timeout
        self._pictures: dict[str | int, tuple[Picture, bytes]] = {}

    def read(self, name: str, picture: Picture) -> bytes:
        """The bytes of a picture; raises InvalidInputError that names the field."""
        if isinstance(picture, bytes):
            return picture
        if (key := _key(picture)) not in self._pictures:
            # The picture itself is kept as well, so that no other one comes to its id.
            self._pictures[key] = picture, read_picture(name, picture, self._timeout)
        return self._pictures[key][1]


def _key(picture: Picture) -> str | int:
    return picture if isinstance(picture, str) else id(picture)


def _is_on_disk(picture: Picture) -> bool:
    return isinstance(picture, str | os.PathLike) and not is_address(picture)
