"""What is to be painted of many, and what came of it; both clients' batches are made of these."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from PIL import Image

from bruno.errors import BrunoError, InvalidInputError
from bruno.inputs import Picture
from bruno.options import Request
from bruno.painting import Painting
from bruno.protocol.exchange import whole


@dataclass(frozen=True, eq=False)
class Task:
    """One painting to be made; each is itself alone, so that it may be a key of a dictionary.

    >>> from bruno import Task
    >>> task = Task("photo.jpg", "starry-night.jpg", {"beta": 50})
    >>> {task: "photo-50.png"}[task]
    'photo-50.png'
    """

    content: Picture
    style: Picture | Sequence[Picture]
    options: Request


@dataclass(frozen=True)
class Finished:
    """A task and its painting."""

    task: Task
    painting: Painting


@dataclass(frozen=True)
class Failed:
    """A task and what went wrong with it."""

    task: Task
    error: BrunoError


Outcome = Finished | Failed | Exception


class Roll:
    """The tasks of a batch, and what came of them; both clients keep one."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.count = len(tasks)
        self.failures: list[Failed] = []
        self._waiting = deque(tasks)

    def waiting(self) -> Iterator[Task]:
        """What is to be begun, one after the other, from any thread."""
        with suppress(IndexError):
            while True:
                yield self._waiting.popleft()

    def painting_of(self, outcome: Outcome) -> Finished | None:
        """What is told; notes a failure, and raises a defect."""
        if isinstance(outcome, Failed):
            self.failures.append(outcome)
            return None
        if isinstance(outcome, Finished):
            return outcome
        raise outcome


def tasks_of(
    contents: Iterable[Picture], styles: Iterable[Picture], options: Request
) -> list[Task]:
    """Every content in every style; raises InvalidInputError where one is not several."""
    styles = list(_several("styles", styles))
    contents = _several("contents", contents)
    return [Task(content, style, options) for content in contents for style in styles]


def _several(name: str, pictures: Iterable[Picture]) -> Iterable[Picture]:
    # Texts and files can be iterated as well, and what they give is no picture.
    is_one = isinstance(pictures, str | bytes | os.PathLike | Image.Image)
    if is_one or hasattr(pictures, "read"):
        raise InvalidInputError(
            f"{name} must be several pictures, such as a list of one, got {type(pictures).__name__}"
        )
    return pictures


def checked_at_once(at_once: int) -> int:
    """How many are painted at once; raises InvalidInputError for none."""
    return whole("at_once", at_once, 1)
