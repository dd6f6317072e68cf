"""The file of one painting, from the first preview to the end."""

from __future__ import annotations

from pathlib import Path

import click

from bruno.cli.files import free_place, write
from bruno.events import Event, Preview
from bruno.painting import Painting
from bruno.unfinished import SoFar, encoded


class Output:
    """Where a painting goes: no finished one gives way to anything but a finished one.

    While it is watched, previews are seen in its place; what was there before waits beside it,
    and comes back unless the painting is finished.
    """

    def __init__(self, path: Path, format: str, watched: bool) -> None:
        self._path, self._format, self._watched = path, format, watched
        self._so_far = SoFar()
        self._is_preview = False
        self._before: Path | None = None

    def see(self, event: Event) -> None:
        """Notes one event of the painting, and shows its preview."""
        self._so_far = self._so_far.after(event)
        if self._watched and isinstance(event, Preview):
            if not self._is_preview and self._path.is_file():
                self._before = self._path.replace(free_place(self._path, "before"))
            self._is_preview = True
            write(self._path, encoded(event.image, self._format))

    def finish(self, painting: Painting) -> None:
        """Writes the painting."""
        write(self._path, painting.data)
        if self._before:
            self._before.unlink()

    def leave(self, reason: str) -> None:
        """Puts back what was there, and keeps the canvas so far beside it; says where."""
        if self._before:
            self._before.replace(self._path)
        elif self._is_preview and self._path.is_file():
            self._path.unlink()
        canvas = self._so_far.painting(reason)
        if canvas:
            place = free_place(self._path, "so-far")
            write(place, canvas.data)
            size = f"{canvas.width} x {canvas.height}, its last preview"
            click.echo(f"the canvas {self._so_far.where} is kept as {place} ({size})", err=True)
