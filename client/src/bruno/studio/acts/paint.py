"""What happens when people paint, stop, or take a painting out of the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import gradio as gr

from bruno.errors import InvalidInputError
from bruno.studio import fragments
from bruno.studio.acts.tries import shelf_parts, shelf_updates, show_canvas
from bruno.studio.bench import QUIET, Bench
from bruno.studio.controls import request_options
from bruno.studio.masks import as_request
from bruno.studio.order import Order
from bruno.studio.parts.easel import PAINTING
from bruno.studio.session import Session
from bruno.studio.variations import vary
from bruno.studio.view_state import ViewState, sentence_of

_TO_CANVAS: Final = """() => document.getElementById('views').scrollIntoView(
  {block: innerWidth < 760 ? 'start' : 'nearest'})"""
_PAINT: Final = "Paint"
_PAINT_NEXT: Final = "Paint this next"

Updates = dict[Any, Any]
Orders = Callable[[Session, tuple[Any, ...]], Sequence[Order]]


def wire(bench: Bench, example: gr.events.Dependency) -> None:
    """Connects the buttons with what they do; what the example brought is painted at once."""
    easel, session, asked = bench.easel, bench.session, bench.asked()
    variations = easel.variations

    def the_one(session: Session, shown: tuple[Any, ...]) -> Sequence[Order]:
        return [read_order(bench, session, shown)]

    def several(session: Session, shown: tuple[Any, ...]) -> Sequence[Order]:
        kind, count, *rest = shown
        return vary(read_order(bench, session, tuple(rest)), kind, int(count))

    def the_larger(session: Session, shown: tuple[Any, ...]) -> Sequence[Order]:
        one = session.find(session.chosen)
        if not one:
            return []
        side = max(one.painting.width, one.painting.height)
        return [one.order.larger(one.painting.data, side)]

    def the_same(session: Session, shown: tuple[Any, ...]) -> Sequence[Order]:
        order, one = read_order(bench, session, shown), session.find(session.chosen)
        if session.change(order):
            return []
        if not one:
            raise InvalidInputError("There is no canvas yet: choose Paint")
        return [order.in_place_of(one.order).going_on(one.painting)]

    def begins(on: Any, orders: Orders, *inputs: Any) -> None:
        def begin(session: Session, *shown: Any) -> Iterator[Updates]:
            yield from paint(bench, session, orders, shown)

        on(
            begin,
            [session, *inputs],
            [*easel.outputs(), *shelf_parts(bench)],
            # Not "once": what is clicked before the event has ended would be lost.
            trigger_mode="multiple",
            **QUIET,
        )

    for button in (easel.paint, easel.go_on, variations.paint, bench.shelf.larger):
        button.click(None, js=_TO_CANVAS)
    begins(easel.paint.click, the_one, *asked)
    begins(easel.go_on.click, the_same, *asked)
    begins(example.success, the_one, *asked)
    begins(variations.paint.click, several, variations.kind, variations.count, *asked)
    begins(bench.shelf.larger.click, the_larger)

    def stop(session: Session) -> Updates:
        session.stop()
        return {
            easel.stop: gr.Button(interactive=False),
            easel.queue: fragments.queue(session.queue),
        }

    def drop(session: Session, event: gr.EventData) -> str:
        session.queue.drop(int(event.pick))
        return fragments.queue(session.queue)

    easel.stop.click(stop, session, [easel.stop, easel.queue], **QUIET)
    easel.queue.select(drop, session, easel.queue, **QUIET)


def paint(
    bench: Bench, session: Session, orders: Orders, shown: tuple[Any, ...]
) -> Iterator[Updates]:
    """Paints what is ordered, and all that is ordered meanwhile; tells only what changed."""
    easel = bench.easel
    try:
        is_first = session.queue.add(orders(session, shown))
    except InvalidInputError as error:
        yield _refused(bench, session, error)
        return
    if not is_first:
        yield {easel.queue: fragments.queue(session.queue)}
        return
    try:
        while states := session.queue.next(lambda order: session.paint(bench.client, order)):
            yield from _painted(bench, session, states)
    except BaseException:
        session.queue.end()
        raise
    yield {
        easel.paint: gr.Button(_PAINT),
        easel.stop: gr.Button(interactive=False),
        easel.queue: fragments.queue(session.queue),
    }


def _refused(bench: Bench, session: Session, error: InvalidInputError) -> Updates:
    if not session.queue.painting:
        return {bench.easel.status: fragments.status(ViewState().failed(error))}
    # What is painted would say something else there at once.
    gr.Warning(sentence_of(error), title="Bruno")
    return {bench.easel.queue: fragments.queue(session.queue)}


def _painted(bench: Bench, session: Session, states: Iterator[ViewState]) -> Iterator[Updates]:
    easel, before = bench.easel, ViewState()
    yield {
        easel.paint: gr.Button(_PAINT_NEXT),
        easel.go_on: gr.Button(interactive=True),
        easel.stop: gr.Button(interactive=True),
        easel.queue: fragments.queue(session.queue),
        easel.losses: fragments.curves(before.losses),
        easel.views: gr.Tabs(selected=PAINTING),
    }
    for now in states:
        session.queue.finished = bool(now.painting)
        yield changes(bench, session, before, now)
        before = now
    session.queue.finished = True
    yield shelf_updates(bench, session)


def changes(bench: Bench, session: Session, before: ViewState, now: ViewState) -> Updates:
    """The parts that differ between two states of a painting."""
    updates: Updates = {bench.easel.status: fragments.status(now)}
    if now.losses is not before.losses:
        updates[bench.easel.losses] = fragments.curves(now.losses)
    if now.painting:
        updates[bench.easel.canvas] = show_canvas(bench, session, now)
    elif now.canvas is not before.canvas:
        updates[bench.easel.canvas] = fragments.canvas(now)
    return updates


def read_order(bench: Bench, session: Session, shown: tuple[Any, ...]) -> Order:
    """What the page asks for; raises InvalidInputError where something is missing."""
    photo, gallery, canvas, palette, *settings = shown
    styles = [path for path, _ in gallery or ()]
    if not photo or not styles:
        missing = "a photo" if not photo else "at least one style"
        raise InvalidInputError(f"Add {missing} first")
    request = request_options(dict(zip(bench.values, settings, strict=True)))
    if canvas:
        request["canvas"] = canvas
    if palette:
        request["palette"] = palette
    return Order(photo, styles, request | as_request(session.masks, photo, styles))
