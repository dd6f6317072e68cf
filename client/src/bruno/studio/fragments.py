"""What is shown, written as HTML."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from bruno.studio.losses import CURVES, Losses
from bruno.studio.order import Queue
from bruno.studio.tries import Try, title_of
from bruno.studio.view_state import ViewState

NO_LOSSES = "They are drawn here, step by step."
NO_FILM = "Choose a painting that was painted here with previews, and its canvas forms again."
EXAMPLE = "example"
_STEPS = ("Choose a photo", "Choose a style", "Paint, and watch the canvas form")


def inline(jpeg: bytes) -> str:
    """A small JPEG as the address of an image."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def canvas(shown: ViewState, last: Try | None = None, address: str = "") -> str:
    """The canvas as it is now: the newest preview, or the finished painting.

    `address` is where the painting's own file is, for those who want to see all of its pixels.
    """
    if last and (shown.painting or not shown.canvas):
        ratio = last.painting.width / last.painting.height
        return _figure(last.shown, ratio, f"Painting {last.name}", last.told(), address)
    if shown.canvas and shown.progress:
        ratio = shown.progress.width / shown.progress.height
        return _figure(shown.canvas, ratio, f"Canvas at step {shown.progress.step}", "Preview")
    steps = "".join(f"<li>{step}</li>" for step in _STEPS)
    return (
        f'<figure class="empty"><ol>{steps}</ol>'
        f'<button type="button" class="plain" data-pick="{EXAMPLE}">Show me with an example'
        "</button></figure>"
    )


def _figure(jpeg: bytes, ratio: float, alt: str, caption: str, address: str = "") -> str:
    looks = (
        f'<p class="closer" data-full="{escape(address)}" data-alt="{escape(alt)}">'
        '<button type="button" class="plain" data-look="real">Real pixels</button>'
        '<button type="button" class="plain" data-look="screen">Full screen</button></p>'
    )
    return (
        f'<figure style="--ratio: {ratio:.4f}"><img src="{inline(jpeg)}" alt="{escape(alt)}">'
        f"<figcaption>{escape(caption)}</figcaption>{looks if address else ''}</figure>"
    )


def lapse(address: str | None, name: str = "", file_name: str = "") -> str:
    """The film of a canvas that forms, to look at and to save."""
    if not address:
        return f'<figure class="empty"><p>{NO_FILM}</p></figure>'
    source = escape(address)
    return (
        f'<figure><img src="{source}" alt="The canvas of {escape(name)} forms">'
        f'<a class="plain" href="{source}" download="{escape(file_name)}">Save this film</a>'
        "</figure>"
    )


def queue(orders: Queue) -> str:
    """What waits for its turn, each with a button that takes it out."""
    if not orders.waiting:
        return ""
    items = "".join(
        f"<li>{escape(title_of(one.order))}"
        f'<button type="button" data-pick="{one.number}" '
        f'aria-label="Do not paint {escape(title_of(one.order))}">×</button></li>'
        for one in orders.waiting
    )
    return f'<h2>Painted next</h2><ol class="queue">{items}</ol>'


def status(shown: ViewState) -> str:
    """The sentence of now and the bar; only milestones are read aloud."""
    percent = f"{100 * shown.share:.0f}"
    trouble = ' class="trouble"' if shown.trouble else ""
    return (
        f'<p{trouble} id="said">{escape(shown.status)}</p>'
        f'<progress max="100" value="{percent}" aria-label="Painted">{percent} %</progress>'
        f'<p role="status" class="aloud">{escape(shown.announced)}</p>'
    )


def curves(losses: Losses) -> str:
    """The losses as curves, with a legend of their last values."""
    if not losses.points:
        return f'<div class="losses"><h2>Losses</h2><p class="empty">{NO_LOSSES}</p></div>'
    scale, last = losses.scale, losses.points[-1]
    lines = "".join(_curve(name, losses.curve(name)) for name in CURVES)
    begins = "".join(_level(scale.across(step)) for step in losses.levels_begin)
    decades = scale.decades()
    rules = "".join(f'<line x1="0" x2="100" y1="{at}" y2="{at}"/>' for _, at in decades)
    labels = "".join(f'<span style="top:{at}%">{label}</span>' for label, at in decades)
    legend = "".join(
        f'<li class="{name}">{name} <b>{getattr(last, name):.3g}</b></li>' for name in CURVES
    )
    return (
        f'<div class="losses"><h2>Losses</h2><ul class="legend">{legend}</ul>'
        f'<div class="plot"><div class="decades" aria-hidden="true">{labels}</div>'
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(losses.told())}"><g class="rules">{rules}</g>{begins}{lines}</svg>'
        f'</div><p class="axis" aria-hidden="true"><span>0</span><span>{scale.steps} steps</span>'
        "</p></div>"
    )


def _curve(name: str, points: Sequence[tuple[float, float]]) -> str:
    path = " ".join(f"{across},{down}" for across, down in points)
    return f'<polyline class="{name}" points="{path}"/>'


def _level(across: float) -> str:
    return f'<line class="level" x1="{across}" x2="{across}" y1="0" y2="100"/>'


def server(sentence: str, away: bool = False) -> str:
    """The server's health, beside the title."""
    kind = "away" if away else "here"
    return f'<p role="status" class="server {kind}"><span>{escape(sentence)}</span></p>'
