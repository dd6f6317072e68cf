"""What happens when dials are turned, set by a preset, undone or redone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from bruno.errors import BrunoError
from bruno.studio import fragments
from bruno.studio.bench import QUIET, Bench
from bruno.studio.controls import CONTROLS, defaults_of
from bruno.studio.session import Session
from bruno.studio.view_state import ViewState

Updates = dict[Any, Any]


def wire(bench: Bench) -> None:
    """Connects every dial with the note of how all of them stand."""
    values, session, settings = bench.values, bench.session, bench.settings
    buttons = [settings.undo, settings.redo]

    def turned(session: Session, *standing: Any) -> Updates:
        session.dials.show(dict(zip(values, standing, strict=True)), time.monotonic())
        return _buttons(bench, session)

    def undo(session: Session) -> Updates:
        return _gone(bench, session, session.dials.undo())

    def redo(session: Session) -> Updates:
        return _gone(bench, session, session.dials.redo())

    def preset(session: Session, name: str) -> Updates:
        return preset_values(bench, session, name)

    dials = list(values.values())
    # What people turn, not what changes: where one update changes many, each would be noted while
    # the page has half of them.
    gr.on(
        [part.input for name, part in values.items() if name != "preset"],
        turned,
        [session, *dials],
        buttons,
        trigger_mode="always_last",
        **QUIET,
    )
    settings.undo.click(undo, session, outputs(bench), **QUIET)
    settings.redo.click(redo, session, outputs(bench), **QUIET)
    chosen = [session, values["preset"]]
    values["preset"].input(preset, chosen, [*outputs(bench), bench.easel.status], **QUIET)


def outputs(bench: Bench) -> list[Any]:
    """The dials, and the buttons that undo and redo."""
    return [*bench.values.values(), bench.settings.undo, bench.settings.redo]


def shown(bench: Bench, session: Session, values: Mapping[str, Any]) -> Updates:
    """The dials with other values, as a turn that can be undone."""
    full = {name: values.get(name) for name in bench.values}
    session.dials.show(full, time.monotonic())
    return bench.showing(full) | _buttons(bench, session)


def preset_values(bench: Bench, session: Session, name: str) -> Updates:
    """Every control as the preset has it."""
    try:
        return shown(bench, session, defaults_of(bench.client.describe(), name))
    except BrunoError as error:
        return {bench.easel.status: fragments.status(ViewState().failed(error))}


def _gone(bench: Bench, session: Session, values: Mapping[str, Any] | None) -> Updates:
    return (bench.showing(values) if values else {}) | _buttons(bench, session)


def _buttons(bench: Bench, session: Session) -> Updates:
    dials = session.dials
    return {
        bench.settings.undo: gr.Button(_said("Undo", dials.last), interactive=dials.can_undo),
        bench.settings.redo: gr.Button(interactive=dials.can_redo),
    }


def _said(verb: str, names: Sequence[str]) -> str:
    """What a click takes back, where it is one dial."""
    if len(names) != 1 or names[0] not in CONTROLS:
        return verb
    return f"{verb} {CONTROLS[names[0]].label.lower()}"
