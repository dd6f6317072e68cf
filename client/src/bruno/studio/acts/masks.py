"""What happens when people brush masks."""

from __future__ import annotations

from typing import Any

import gradio as gr

from bruno.studio import cards
from bruno.studio.bench import QUIET, Bench
from bruno.studio.masks import (
    CONTENT,
    covered,
    from_layers,
    over,
    picture_under,
    places,
    roles,
)
from bruno.studio.parts.masks import Masks
from bruno.studio.session import Session
from bruno.studio.tries import THUMB_SIDE, shown_file


def wire(bench: Bench, masks: Masks) -> None:
    """Connects the brush with the visitor's masks."""
    pictures, session = bench.pictures, bench.session

    def under(role: str, photo: str | None, gallery: Any) -> Any:
        path = picture_under(role, photo, paths_of(gallery))
        if not path or not shown_file(path):
            return None
        return {"background": path, "layers": [], "composite": None}

    def count(gallery: Any) -> gr.Dropdown:
        return gr.Dropdown(roles(max(1, len(paths_of(gallery)))), value=CONTENT)

    def keep(session: Session, role: str, brushed: Any, photo: str | None, gallery: Any) -> str:
        mask = from_layers((brushed or {}).get("layers") or [])
        place = places(photo, paths_of(gallery)).get(role)
        if mask and place:
            session.masks[place] = mask
        said = "The mask is kept." if mask and place else "There is nothing to keep: brush first."
        return kept_masks(session, photo, gallery, said)

    def fit(session: Session, photo: str | None, gallery: Any) -> str:
        there = places(photo, paths_of(gallery)).values()
        session.masks = {place: mask for place, mask in session.masks.items() if place in there}
        return kept_masks(session, photo, gallery)

    def remove(session: Session, photo: str | None, gallery: Any, event: gr.EventData) -> str:
        place = places(photo, paths_of(gallery)).get(event.pick)
        if place:
            session.masks.pop(place, None)
        return kept_masks(session, photo, gallery)

    def drop(session: Session, photo: str | None, gallery: Any) -> str:
        session.masks.clear()
        return kept_masks(session, photo, gallery)

    shown = [pictures.photo, pictures.styles]
    seen = [masks.role, *shown]
    for part in (masks.role, pictures.photo, pictures.styles):
        part.change(under, seen, masks.editor, **QUIET)
    for picture in (pictures.photo, pictures.styles):
        picture.change(fit, [session, *shown], masks.kept, **QUIET)
    pictures.styles.change(count, pictures.styles, masks.role, **QUIET)
    masks.keep.click(keep, [session, masks.role, masks.editor, *shown], masks.kept, **QUIET)
    masks.kept.select(remove, [session, *shown], masks.kept, **QUIET)
    masks.drop.click(drop, [session, *shown], masks.kept, **QUIET)


def paths_of(gallery: Any) -> list[str]:
    """The files of a gallery of styles."""
    return [path for path, _ in gallery or ()]


def kept_masks(session: Session, photo: str | None, gallery: Any, said: str = "") -> str:
    """The visitor's masks as the page shows them, below a sentence on what happened."""
    styles = paths_of(gallery)
    labels = {role: label for label, role in roles(8)}
    now = places(photo, styles)
    shown = []
    for role in sorted(now):
        mask = session.masks.get(now[role])
        if mask:
            under = picture_under(role, photo, styles)
            picture = over(mask, shown_file(under) if under else None, THUMB_SIDE)
            shown.append((role, f"{labels[role]}: {covered(mask):.0%}", picture))
    return cards.masks(shown, said)
