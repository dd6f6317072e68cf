"""What happens when people brush masks."""

from __future__ import annotations

import io
from typing import Any

import gradio as gr
from PIL import Image

from bruno.studio import fragments, parts
from bruno.studio.masks import CONTENT, from_layers, picture_under, roles
from bruno.studio.parts import Bench, Masks
from bruno.studio.session import Session
from bruno.studio.tries import THUMB_SIDE, shown_file, small


def wire(bench: Bench, masks: Masks) -> None:
    """Connects the brush with the visitor's masks."""
    pictures, session = bench.pictures, bench.session
    quiet = parts.QUIET

    def under(role: str, photo: str | None, gallery: Any) -> Any:
        path = picture_under(role, photo, paths_of(gallery))
        if not path or not shown_file(path):
            return None
        return {"background": path, "layers": [], "composite": None}

    def count(gallery: Any) -> gr.Dropdown:
        return gr.Dropdown(roles(max(1, len(paths_of(gallery)))), value=CONTENT)

    def keep(session: Session, role: str, brushed: Any) -> str:
        mask = from_layers((brushed or {}).get("layers") or [])
        if mask:
            session.masks[role] = mask
        return kept(session)

    def drop(session: Session) -> str:
        session.masks.clear()
        return kept(session)

    seen = [masks.role, pictures.photo, pictures.styles]
    for part in (masks.role, pictures.photo, pictures.styles):
        part.change(under, seen, masks.editor, **quiet)
    pictures.styles.change(count, pictures.styles, masks.role, **quiet)
    masks.keep.click(keep, [session, masks.role, masks.editor], masks.kept, **quiet)
    masks.drop.click(drop, session, masks.kept, **quiet)


def paths_of(gallery: Any) -> list[str]:
    """The files of a gallery of styles."""
    return [path for path, _ in gallery or ()]


def kept(session: Session) -> str:
    """The visitor's masks as the page shows them."""
    labels = {role: label for label, role in roles(8)}
    return fragments.masks(
        [(labels[role], _thumb(mask)) for role, mask in sorted(session.masks.items())]
    )


def _thumb(mask: bytes) -> bytes:
    return small(Image.open(io.BytesIO(mask)), THUMB_SIDE)
