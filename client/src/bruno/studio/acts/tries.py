"""What happens with the tries: choose, use again, forget, compare; load a painting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from bruno.errors import InvalidInputError
from bruno.painting import read_record
from bruno.records import Record
from bruno.studio import cards, fragments
from bruno.studio.acts import dials
from bruno.studio.bench import QUIET, Bench
from bruno.studio.controls import WEIGHTS, shown_values
from bruno.studio.parts.easel import PAINTING
from bruno.studio.session import Session
from bruno.studio.view_state import ViewState

Updates = dict[Any, Any]


def wire(bench: Bench) -> None:
    """Connects the shelf and the comparison with what they do."""
    shelf, session, easel = bench.shelf, bench.session, bench.easel
    shown = [*shelf_parts(bench), easel.canvas, easel.views]

    def choose(session: Session, event: gr.EventData) -> Updates:
        session.chosen = int(event.pick)
        return _shown(bench, session)

    def forget(session: Session) -> Updates:
        session.forget(session.chosen)
        return _shown(bench, session)

    def reuse(session: Session) -> Updates:
        chosen = session.find(session.chosen)
        if not chosen:
            return {}
        return settings_of(bench, session, chosen.painting.record, chosen.name)

    def load(session: Session, path: str) -> Updates:
        return loaded_settings(bench, session, path)

    def compare(session: Session, one: int | None, other: int | None) -> str:
        return cards.comparison(session.find(one), session.find(other))

    shelf.tries.select(choose, session, shown, **QUIET)
    shelf.forget.click(forget, session, shown, **QUIET)
    settings = [*dials.outputs(bench), easel.status]
    shelf.reuse.click(reuse, session, settings, **QUIET)
    bench.settings.load.upload(load, [session, bench.settings.load], settings, **QUIET)
    for picker in (shelf.one, shelf.other):
        picker.input(compare, [session, shelf.one, shelf.other], shelf.compared, **QUIET)


def shelf_parts(bench: Bench) -> list[Any]:
    """The parts that change with the tries."""
    return [*bench.shelf.outputs(), bench.easel.go_on]


def shelf_updates(bench: Bench, session: Session) -> Updates:
    """The shelf as the visitor has it: the newest two tries are compared."""
    shelf, tries = bench.shelf, session.tries
    session.shown = session.made
    chosen = session.find(session.chosen)
    names = [(one.name, one.number) for one in tries]
    one, other = (tries[-2], tries[-1]) if len(tries) > 1 else (None, None)
    file = bench.files.painting(chosen) if chosen else None
    return {
        bench.easel.go_on: gr.Button(interactive=bool(chosen or session.running)),
        shelf.tries: cards.shelf(tries, session.chosen),
        shelf.download: gr.DownloadButton(value=file, interactive=bool(chosen)),
        shelf.larger: gr.Button(interactive=bool(chosen)),
        shelf.reuse: gr.Button(interactive=bool(chosen)),
        shelf.forget: gr.Button(interactive=bool(chosen)),
        shelf.comparison: gr.Column(visible=len(tries) > 1),
        shelf.one: gr.Dropdown(names, value=one.number if one else None),
        shelf.other: gr.Dropdown(names, value=other.number if other else None),
        shelf.compared: cards.comparison(one, other),
    }


def show_canvas(bench: Bench, session: Session, shown: ViewState) -> str:
    """The canvas with the painting that is chosen."""
    chosen = session.find(session.chosen)
    return fragments.canvas(shown, chosen, bench.files.pixels(chosen) if chosen else "")


def loaded_settings(bench: Bench, session: Session, path: str) -> Updates:
    """The settings of a painting's file; one sentence where it has none."""
    try:
        record = read_record(Path(path).read_bytes())
    except InvalidInputError:
        refused = InvalidInputError(f"{Path(path).name} carries no record of a Bruno painting")
        return {bench.easel.status: fragments.status(ViewState().failed(refused))}
    return settings_of(bench, session, record, Path(path).name)


def settings_of(bench: Bench, session: Session, record: Record, name: str) -> Updates:
    """Every control as a record has it."""
    weights = record.get(WEIGHTS) or []
    values = shown_values(record["options"])
    several = ", ".join(f"{weight:g}" for weight in weights) if len(weights) > 1 else ""
    said = ViewState().saying(f"The settings are those of {name}.")
    return dials.shown(bench, session, values | {WEIGHTS: several}) | {
        bench.easel.status: fragments.status(said)
    }


def _shown(bench: Bench, session: Session) -> Updates:
    return shelf_updates(bench, session) | {
        bench.easel.canvas: show_canvas(bench, session, ViewState()),
        bench.easel.views: gr.Tabs(selected=PAINTING),
    }
