"""What happens with the tries: choose, download, use again, forget, compare; load a painting."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import gradio as gr

from bruno.errors import InvalidInputError
from bruno.painting import read_record
from bruno.records import Record
from bruno.studio import fragments, parts
from bruno.studio.controls import WEIGHTS, shown_values
from bruno.studio.parts import Bench
from bruno.studio.session import Session
from bruno.studio.telling import Shown
from bruno.studio.tries import Try

Updates = dict[Any, Any]


def wire(bench: Bench) -> None:
    """Connects the shelf and the comparison with what they do."""
    shelf, session = bench.shelf, bench.session
    shelf_parts = [*shelf.outputs(), bench.easel.canvas, bench.easel.status]
    quiet = parts.QUIET

    def choose(session: Session, event: gr.EventData) -> Updates:
        session.chosen = int(event.number)
        return shelf_updates(bench, session) | {bench.easel.canvas: _canvas(session)}

    def forget(session: Session) -> Updates:
        session.forget(session.chosen)
        return shelf_updates(bench, session) | {bench.easel.canvas: _canvas(session)}

    def reuse(session: Session) -> Updates:
        chosen = session.find(session.chosen)
        return settings_of(bench, chosen.painting.record, chosen.name) if chosen else {}

    def load(path: str) -> Updates:
        return loaded_settings(bench, path)

    def compare(session: Session, one: int | None, other: int | None) -> str:
        return fragments.comparison(session.find(one), session.find(other))

    shelf.tries.select(choose, session, shelf_parts, **quiet)
    shelf.forget.click(forget, session, shelf_parts, **quiet)
    settings = [*bench.values.values(), bench.easel.status]
    shelf.reuse.click(reuse, session, settings, **quiet)
    bench.load.upload(load, bench.load, settings, **quiet)
    for picker in (shelf.one, shelf.other):
        picker.input(compare, [session, shelf.one, shelf.other], shelf.compared, **quiet)


def shelf_updates(bench: Bench, session: Session) -> Updates:
    """The shelf as the visitor has it: the newest two tries are compared."""
    shelf, tries = bench.shelf, session.tries
    chosen = session.find(session.chosen)
    names = [(one.name, one.number) for one in tries]
    one, other = (tries[-2], tries[-1]) if len(tries) > 1 else (None, None)
    folder = Path(shelf.download.GRADIO_CACHE)
    return {
        shelf.tries: fragments.shelf(tries, session.chosen),
        shelf.download: gr.DownloadButton(
            value=file_of(chosen, folder) if chosen else None, interactive=bool(chosen)
        ),
        shelf.reuse: gr.Button(interactive=bool(chosen)),
        shelf.forget: gr.Button(interactive=bool(chosen)),
        shelf.comparison: gr.Column(visible=len(tries) > 1),
        shelf.one: gr.Dropdown(names, value=one.number if one else None),
        shelf.other: gr.Dropdown(names, value=other.number if other else None),
        shelf.compared: fragments.comparison(one, other),
    }


def file_of(one: Try, folder: Path) -> Path:
    """The painting as a file to download, under its own name."""
    data = one.painting.data
    path = folder / hashlib.sha256(data).hexdigest() / one.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def loaded_settings(bench: Bench, path: str) -> Updates:
    """The settings of a painting's file; one sentence where it has none."""
    try:
        record = read_record(Path(path).read_bytes())
    except InvalidInputError:
        refused = InvalidInputError(f"{Path(path).name} carries no record of a Bruno painting")
        return {bench.easel.status: fragments.status(Shown().failed(refused))}
    return settings_of(bench, record, Path(path).name)


def settings_of(bench: Bench, record: Record, name: str) -> Updates:
    """Every control as a record has it."""
    weights = record.get(WEIGHTS) or []
    values = shown_values(record["options"])
    several = ", ".join(f"{weight:g}" for weight in weights) if len(weights) > 1 else ""
    said = Shown().saying(f"The settings are those of {name}.")
    return bench.showing(values | {WEIGHTS: several}) | {bench.easel.status: fragments.status(said)}


def _canvas(session: Session) -> str:
    return fragments.canvas(Shown(), session.find(session.chosen))
