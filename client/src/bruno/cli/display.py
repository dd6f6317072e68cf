"""What is told while a painting forms: a bar for people, lines of JSON for programs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
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
        self._bars = _bars()
        self._row = Row(self._bars, "")

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
        self._row.show(event)
        if isinstance(event, Accepted):
            if event.resumed:
                click.echo("the stream broke and goes on where it was", err=True)
            for sentence in event.adjusted:
                click.echo(sentence, err=True)


class Board:
    """Bars for many paintings: one for how many are done, and one for each that is painted."""

    def __init__(self, count: int) -> None:
        self._bars = _bars()
        self._all = self._bars.add_task("paintings", total=count, losses="")
        self._rows: dict[str, Row] = {}
        self._ended: set[str] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Board:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def show(self, name: str, event: Event) -> None:
        """Shows one event of the painting of this name; may be called from any thread."""
        with self._lock:
            if name not in self._rows:
                self._rows[name] = Row(self._bars, f"{name} · ")
            self._rows[name].show(event)

    def end(self, names: Iterable[str]) -> None:
        """Counts these paintings as done or failed, once, and drops their bars."""
        with self._lock:
            self._ended.update(names)
            self._bars.update(self._all, completed=len(self._ended))
            for name in self._rows.keys() & self._ended:
                self._rows.pop(name).drop()


class Row:
    """The bar of one painting."""

    def __init__(self, bars: Bars, name: str) -> None:
        self._bars, self._name = bars, name
        self._task = bars.add_task(f"{name}connecting", total=None, losses="")

    def show(self, event: Event) -> None:
        """Shows one event."""
        if isinstance(event, Waiting):
            self._describe(f"waiting, {event.position} in the queue")
        elif isinstance(event, Accepted):
            self._describe("accepted")
        elif isinstance(event, Progress):
            self._advance(event)

    def drop(self) -> None:
        """Takes it away."""
        self._bars.remove_task(self._task)

    def _describe(self, words: str) -> None:
        self._bars.update(self._task, description=self._name + words)

    def _advance(self, event: Progress) -> None:
        eta = "" if event.eta is None else f" · {timedelta(seconds=round(event.eta))} left"
        self._bars.update(
            self._task,
            description=f"{self._name}level {event.level} of {event.levels}",
            completed=event.step,
            total=event.steps or None,
            losses=f"content {_told(event.content_loss)} · style {_told(event.style_loss)}{eta}",
        )


def _bars() -> Bars:
    console = Console(stderr=True)
    return Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[losses]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _told(loss: float | None) -> str:
    return "…" if loss is None else f"{loss:.3g}"


def print_json(event: Event, **more: Any) -> None:
    """Prints an event without its picture as one line of JSON on stdout."""
    values = {part.name: getattr(event, part.name) for part in fields(event)}
    values.pop("data", None)
    click.echo(json.dumps({"event": type(event).__name__.lower(), **more, **values}))
