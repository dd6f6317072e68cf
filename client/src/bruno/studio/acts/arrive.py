"""What happens when people arrive, and while the server is waited for."""

from __future__ import annotations

from typing import Any, Final

import gradio as gr

from bruno.errors import BrunoError
from bruno.studio import fragments
from bruno.studio.acts import dials
from bruno.studio.acts.masks import kept_masks
from bruno.studio.acts.tries import shelf_parts, shelf_updates, show_canvas
from bruno.studio.bench import QUIET, Bench
from bruno.studio.controls import defaults_of
from bruno.studio.parts.masks import Masks
from bruno.studio.session import Session
from bruno.studio.view_state import ViewState, sentence_of
from bruno.studio.visitors import Visitors

_SOON_SECONDS: Final = 3.0
_CALM_SECONDS: Final = 20.0
_BACK: Final = "The server is there again."

Updates = dict[Any, Any]


def wire(page: gr.Blocks, bench: Bench, masks: Masks, visitors: Visitors) -> None:
    """Connects the page's arrival with the visitor's tries and the server's defaults."""
    pictures, session = bench.pictures, bench.session
    key, told = gr.BrowserState(None, storage_key="bruno-studio"), gr.State(False)
    came_again = gr.State(False)
    timer = gr.Timer(_CALM_SECONDS)

    def arrive(known_by: Any, new: Session) -> Updates:
        name, mine = visitors.arrive(known_by, new)
        again = {came_again: bool(mine.last)}
        return {key: name, session: mine} | again | _as_left(bench, masks, mine)

    def greet(session: Session, was_told: bool) -> Updates:
        updates = greeting(bench, session, timer, was_told)
        return updates if session.away else updates | {told: True}

    settings = dials.outputs(bench)
    left = [masks.kept, bench.easel.canvas]
    arrival = page.load(
        arrive, [key, session], [key, session, came_again, *left, *shelf_parts(bench)], **QUIET
    )
    brought = [pictures.photo, pictures.styles]
    # Apart, so that what a new visitor has brought meanwhile is not overwritten.
    came_again.change(_pictures_as_left, [session, *brought], brought, **QUIET)
    easel, shelf = bench.easel, shelf_parts(bench)
    greeted = [bench.server, timer, told, easel.status, easel.canvas, *shelf, *settings]
    arrival.then(greet, [session, told], greeted, **QUIET)
    timer.tick(greet, [session, told], greeted, **QUIET)


def _as_left(bench: Bench, masks: Masks, session: Session) -> Updates:
    """The page as the visitor left it."""
    if not session.last:
        return {}
    photo, styles = session.last.photo, session.last.styles
    gallery = [(style, None) for style in styles]
    return {
        masks.kept: kept_masks(session, photo, gallery),
        bench.easel.canvas: show_canvas(bench, session, ViewState()),
        **shelf_updates(bench, session),
    }


def _pictures_as_left(session: Session, photo: str | None, gallery: Any) -> tuple[Any, Any]:
    """Photo and styles that were painted last, unless there are others by now.

    Always values: an update of properties, if only of none, has Gradio make the component anew.
    """
    if not session.last or photo or gallery:
        return photo, gallery
    return session.last.photo, [(style, None) for style in session.last.styles]


def greeting(bench: Bench, session: Session, timer: gr.Timer, told: bool) -> Updates:
    """The server's health; with its defaults, or the visitor's dials, at the first time."""
    try:
        description = bench.client.describe()
    except BrunoError as error:
        session.away = True
        line = fragments.server(sentence_of(error), away=True)
        return {bench.server: line, timer: gr.Timer(_SOON_SECONDS)}
    line = fragments.server(f"{description['health']} · {description['device']}")
    soon = bool(session.queue.painting)  # perhaps by a page that was just left
    seconds = _SOON_SECONDS if soon else _CALM_SECONDS
    updates: Updates = {bench.server: line, timer: gr.Timer(seconds)}
    if not soon and session.made > session.shown:
        updates |= shelf_updates(bench, session)
        updates[bench.easel.canvas] = show_canvas(bench, session, ViewState())
    if session.away:
        session.away = False
        updates[bench.easel.status] = fragments.status(ViewState().saying(_BACK))
    if not told:
        updates |= dials.shown(bench, session, session.dials.now or defaults_of(description))
    return updates
