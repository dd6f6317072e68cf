"""What is told while a painting forms: a bar for people, lines of JSON for programs."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import timedelta
from types import TracebackType
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bars

from bruno.events import Accepted, Event, Progress, Waiting


class Bar:
    """A progress bar on stderr with level, losses and time left; silent without a terminal."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[losses]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bars.add_task("connecting", total=None, losses="")

    def __enter__(self) -> Bar:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def show(self, event: Event) -> None:
        """Shows one event."""
        if isinstance(event, Waiting):
            self._describe(f"waiting, {event.position} in the line")
        elif isinstance(event, Accepted):
            self._describe("accepted")
            if event.resumed:
                click.echo("the stream broke and goes on where it was", err=True)
            for sentence in event.adjusted:
                click.echo(sentence, err=True)
        elif isinstance(event, Progress):
            self._advance(event)

    def _describe(self, words: str) -> None:
        self._bars.update(self._task, description=words)

    def _advance(self, event: Progress) -> None:
        eta = "" if event.eta is None else f" · {timedelta(seconds=round(event.eta))} left"
        self._bars.update(
            self._task,
            description=f"level {event.level} of {event.levels}",
            completed=event.step,
            total=event.steps or None,
            losses=f"content {_told(event.content_loss)} · style {_told(event.style_loss)}{eta}",
        )


def _told(loss: float | None) -> str:
    return "…" if loss is None else f"{loss:.3g}"


def print_json(event: Event, **more: Any) -> None:
    """Prints an event without its picture as one line of JSON on stdout."""
    values = {part.name: getattr(event, part.name) for part in fields(event)}
    values.pop("data", None)
    click.echo(json.dumps({"event": type(event).__name__.lower(), **more, **values}))
