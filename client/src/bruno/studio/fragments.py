"""What is shown, written as HTML."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from bruno.studio.losses import CURVES, Losses
from bruno.studio.telling import Shown
from bruno.studio.tries import Try, differences

NOTHING_YET = "The canvas appears here and changes while it is painted."
NO_LOSSES = "They are drawn here, step by step."
NO_TRIES = "Paintings you finish or stop are kept here until you leave the page."


def inline(jpeg: bytes) -> str:
    """A small JPEG as the address of an image."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def canvas(shown: Shown, last: Try | None = None) -> str:
    """The canvas as it is now: the newest preview, or the finished painting."""
    if last and (shown.painting or not shown.canvas):
        ratio = last.painting.width / last.painting.height
        return _figure(last.shown, ratio, f"Painting {last.name}", last.told())
    if shown.canvas and shown.progress:
        ratio = shown.progress.width / shown.progress.height
        return _figure(shown.canvas, ratio, f"Canvas at step {shown.progress.step}", "Preview")
    return f'<figure class="empty"><p>{NOTHING_YET}</p></figure>'


def _figure(jpeg: bytes, ratio: float, alt: str, caption: str) -> str:
    return (
        f'<figure style="--ratio: {ratio:.4f}"><img src="{inline(jpeg)}" alt="{escape(alt)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def status(shown: Shown) -> str:
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


def shelf(tries: Sequence[Try], chosen: int | None) -> str:
    """The tries, newest first, as buttons of which one is pressed."""
    if not tries:
        return f'<p class="empty">{NO_TRIES}</p>'
    items = "".join(_item(one, one.number == chosen) for one in reversed(tries))
    return f'<ol class="shelf" aria-label="Tries, newest first">{items}</ol>'


def _item(one: Try, chosen: bool) -> str:
    return (
        f'<li><button type="button" data-try="{one.number}" aria-pressed="{str(chosen).lower()}">'
        f'<img src="{inline(one.thumb)}" alt=""><span>{escape(one.name)}</span>'
        f"<small>{escape(one.told())}</small></button></li>"
    )


def comparison(one: Try | None, other: Try | None) -> str:
    """Two tries beside the photo, and the options in which they differ."""
    if not one or not other:
        return '<p class="empty">Choose two tries to see them side by side.</p>'
    pictures = [(one.photo, "Content photo", "")] if one.photo else []
    pictures += [(each.shown, each.name, each.told()) for each in (one, other)]
    figures = "".join(
        f'<figure><img src="{inline(jpeg)}" alt="{escape(name)}">'
        f"<figcaption><b>{escape(name)}</b> {escape(told)}</figcaption></figure>"
        for jpeg, name, told in pictures
    )
    return f'<div class="compared">{figures}</div>{_table(one, other)}'


def _table(one: Try, other: Try) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(left)}</td>'
        f"<td>{escape(right)}</td></tr>"
        for name, left, right in differences(one, other)
    )
    if not rows:
        return "<p>Both were painted with the same options.</p>"
    heads = "".join(f'<th scope="col">{escape(each.name)}</th>' for each in (one, other))
    return (
        f'<table class="differences"><caption>What differs</caption><thead><tr>'
        f'<th scope="col">option</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    )


def server(sentence: str, away: bool = False) -> str:
    """The server's health, beside the title."""
    kind = "away" if away else "here"
    return f'<p role="status" class="server {kind}"><span>{escape(sentence)}</span></p>'


def masks(kept: Sequence[tuple[str, bytes]]) -> str:
    """The masks that are kept, small, with what they are for."""
    if not kept:
        return '<p class="empty">No mask is kept: everything counts everywhere.</p>'
    items = "".join(
        f'<li><img src="{inline(jpeg)}" alt="">{escape(label)}</li>' for label, jpeg in kept
    )
    return f'<ul class="masks">{items}</ul>'
