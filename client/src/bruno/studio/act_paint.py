"""What happens when people paint, stop, or wait for the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import gradio as gr

from bruno.errors import BrunoError, InvalidInputError
from bruno.studio import fragments, parts
from bruno.studio.act_tries import shelf_updates
from bruno.studio.controls import defaults_of, request_options
from bruno.studio.masks import as_request
from bruno.studio.parts import Bench
from bruno.studio.session import Order, Session
from bruno.studio.telling import Shown, sentence_of

_AWAY_SECONDS: Final = 3.0
_CALM_SECONDS: Final = 20.0
_BACK: Final = "The server is there again."
_TO_CANVAS: Final = """() => document.getElementById('canvas').scrollIntoView(
  {block: innerWidth < 760 ? 'start' : 'nearest'})"""

Updates = dict[Any, Any]


def wire(page: gr.Blocks, bench: Bench) -> None:
    """Connects the buttons, the preset and the page's arrival with what they do."""
    easel, values, session = bench.easel, bench.values, bench.session
    timer = gr.Timer(_CALM_SECONDS)
    told = [bench.server, timer, easel.status, *values.values()]

    def greet(session: Session) -> Updates:
        return greeting(bench, session, timer)

    def begin(session: Session, *shown: Any) -> Iterator[Updates]:
        yield from paint(bench, session, shown)
        yield greeting(bench, session, timer)

    def stop(session: Session) -> Updates:
        session.stop()
        return {easel.stop: gr.Button(interactive=False)}

    quiet = parts.QUIET
    page.load(greet, session, told, **quiet)
    timer.tick(greet, session, told, **quiet)
    easel.paint.click(None, js=_TO_CANVAS)
    easel.paint.click(
        begin,
        [session, *bench.pictures.inputs(), *values.values()],
        [*easel.outputs(), *bench.shelf.outputs(), bench.server, timer, *values.values()],
        # Not "once": what is clicked before the event has ended would be lost.
        trigger_mode="multiple",
        **quiet,
    )
    easel.stop.click(stop, session, easel.stop, **quiet)

    def preset(name: str) -> Updates:
        return preset_values(bench, name)

    values["preset"].input(preset, values["preset"], [*values.values(), easel.status], **quiet)


def greeting(bench: Bench, session: Session, timer: gr.Timer) -> Updates:
    """The server's health; with its defaults at the first time that it is there."""
    try:
        description = bench.client.describe()
    except BrunoError as error:
        session.away = True
        line = fragments.server(sentence_of(error), away=True)
        return {bench.server: line, timer: gr.Timer(_AWAY_SECONDS)}
    line = fragments.server(f"{description['health']} · {description['device']}")
    updates: Updates = {bench.server: line, timer: gr.Timer(_CALM_SECONDS)}
    if session.away:
        session.away = False
        updates[bench.easel.status] = fragments.status(Shown().saying(_BACK))
    if not session.told:
        session.told = True
        updates |= bench.showing(defaults_of(description))
    return updates


def preset_values(bench: Bench, name: str) -> Updates:
    """Every control as the preset has it."""
    try:
        return bench.showing(defaults_of(bench.client.describe(), name))
    except BrunoError as error:
        return {bench.easel.status: fragments.status(Shown().failed(error))}


def paint(bench: Bench, session: Session, shown: tuple[Any, ...]) -> Iterator[Updates]:
    """Paints what the page shows; every event updates only what it changed."""
    easel = bench.easel
    if session.busy:  # a double click
        yield {easel.stop: gr.skip()}
        return
    try:
        order = read_order(bench, session, shown)
    except InvalidInputError as error:
        yield {easel.status: fragments.status(Shown().failed(error))}
        return
    before, states = Shown(), session.paint(bench.client, order)
    session.busy = True
    try:
        yield {
            easel.paint: gr.Button(interactive=False),
            easel.stop: gr.Button(interactive=True),
            easel.losses: fragments.curves(before.losses),
        }
        for now in states:
            yield changes(bench, session, before, now)
            before = now
    finally:
        session.busy = False
    yield {
        easel.paint: gr.Button(interactive=True),
        easel.stop: gr.Button(interactive=False),
        **shelf_updates(bench, session),
    }


def changes(bench: Bench, session: Session, before: Shown, now: Shown) -> Updates:
    """The parts that differ between two states of a painting."""
    updates: Updates = {bench.easel.status: fragments.status(now)}
    if now.losses is not before.losses:
        updates[bench.easel.losses] = fragments.curves(now.losses)
    if now.painting:
        updates[bench.easel.canvas] = fragments.canvas(now, session.find(session.chosen))
    elif now.canvas is not before.canvas:
        updates[bench.easel.canvas] = fragments.canvas(now)
    return updates


def read_order(bench: Bench, session: Session, shown: tuple[Any, ...]) -> Order:
    """What the page asks for; raises InvalidInputError where something is missing."""
    photo, gallery, canvas, *settings = shown
    styles = [path for path, _ in gallery or ()]
    if not photo or not styles:
        missing = "a content photo" if not photo else "at least one style"
        raise InvalidInputError(f"Add {missing} first")
    request = request_options(dict(zip(bench.values, settings, strict=True)))
    if canvas:
        request["canvas"] = canvas
    return Order(photo, styles, request | as_request(session.masks, photo, styles))
