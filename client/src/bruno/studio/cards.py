"""Pictures to choose from, written as HTML: samples, tries, masks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bruno.studio.controls import CONTROLS
from bruno.studio.fragments import inline
from bruno.studio.samples import PHOTOS, Sample, styles
from bruno.studio.tries import Try, differences
from bruno.studio.words import PAINTERS

_FEW = 4
NO_TRIES = "Paintings you finish or stop are kept here."


def photo_samples() -> str:
    """Sample photos as buttons, and whose they are."""
    credits = ", ".join(photo.credit for photo in PHOTOS)
    return _samples("Or one of these", PHOTOS) + f'<p class="credit">Photos: {escape(credits)}</p>'


def style_samples() -> str:
    """The styles that come with the client as buttons."""
    return _samples("Or one of these", styles())


def _samples(title: str, samples: Sequence[Sample]) -> str:
    buttons = "".join(
        f'<button type="button" data-pick="{escape(one.name)}" '
        f'title="{escape(one.title)}, {escape(one.credit)}">'
        f'<img src="{inline(one.thumb())}" alt="{escape(one.title)}"></button>'
        for one in samples
    )
    many = " many" if len(samples) > _FEW else ""
    label = escape(title)
    return f'<div class="samples{many}" role="group" aria-label="{label}">{buttons}</div>'


def shelf(tries: Sequence[Try], chosen: int | None) -> str:
    """The tries, newest first, as buttons of which one is pressed."""
    if not tries:
        return f'<p class="empty">{NO_TRIES}</p>'
    items = "".join(_item(one, one.number == chosen) for one in reversed(tries))
    return f'<ol class="shelf" aria-label="Your paintings, newest first">{items}</ol>'


def _item(one: Try, chosen: bool) -> str:
    return (
        f'<li><button type="button" data-pick="{one.number}" aria-pressed="{str(chosen).lower()}">'
        f'<img src="{inline(one.thumb)}" alt=""><span>{escape(one.name)}</span>'
        f"<small>{escape(one.brief())}</small></button></li>"
    )


def comparison(one: Try | None, other: Try | None) -> str:
    """Two tries beside the photo where both have the same, and in what they differ."""
    if not one or not other:
        return '<p class="empty">Choose two paintings to see them side by side.</p>'
    photo = one.photo if one.photo == other.photo else None
    pictures = [(photo, "Your photo", "")] if photo else []
    pictures += [(each.shown, each.name, each.told()) for each in (one, other)]
    figures = "".join(
        f'<figure><img src="{inline(jpeg)}" alt="{escape(name)}">'
        f"<figcaption><b>{escape(name)}</b> {escape(told)}</figcaption></figure>"
        for jpeg, name, told in pictures
    )
    return f'<div class="compared">{figures}</div>{_table(one, other)}'


def _table(one: Try, other: Try) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(_named(name))}</th><td>{escape(left)}</td>'
        f"<td>{escape(right)}</td></tr>"
        for name, left, right in differences(one, other)
    )
    if not rows:
        return "<p>Both were painted of the same pictures, with the same options.</p>"
    heads = "".join(f'<th scope="col">{escape(each.name)}</th>' for each in (one, other))
    return (
        f'<table class="differences"><caption>What differs</caption><thead><tr>'
        f"<td></td>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _named(option: str) -> str:
    control = CONTROLS.get(option)
    return f"{control.label} ({option})" if control and option in PAINTERS else option


def masks(kept: Sequence[tuple[str, str, bytes]], said: str = "") -> str:
    """The masks that are kept: role, words, and the picture with what it covers in red."""
    aloud = f'<p role="status">{escape(said)}</p>'
    if not kept:
        return f'{aloud}<p class="empty">No mask is kept: everything counts everywhere.</p>'
    items = "".join(
        f'<li><img src="{inline(jpeg)}" alt="{escape(words)}"><span>{escape(words)}</span>'
        f'<button type="button" class="plain" data-pick="{role}" '
        f'aria-label="Remove: {escape(words)}">Remove</button></li>'
        for role, words, jpeg in kept
    )
    return f'{aloud}<ul class="masks">{items}</ul>'
