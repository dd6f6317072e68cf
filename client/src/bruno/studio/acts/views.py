"""What happens when people look at a painting in another way."""

from __future__ import annotations

from typing import Any

import gradio as gr

from bruno.studio import fragments
from bruno.studio.bench import QUIET, Bench
from bruno.studio.files import address_of
from bruno.studio.session import Session


def wire(bench: Bench) -> None:
    """Connects the views with the painting that is chosen."""
    easel, session = bench.easel, bench.session

    def beside(session: Session) -> Any:
        one = session.find(session.chosen)
        return bench.files.before_after(one) if one else None

    def film(session: Session) -> str:
        one = session.find(session.chosen)
        path = bench.files.film(one) if one else None
        if not one or not path:
            return fragments.lapse(None)
        return fragments.lapse(address_of(path), one.name, path.name)

    def move(share: float) -> gr.ImageSlider:
        return gr.ImageSlider(slider_position=share)

    easel.share.input(move, easel.share, easel.before_after, trigger_mode="always_last", **QUIET)
    easel.beside_tab.select(beside, session, easel.before_after, **QUIET)
    easel.lapse_tab.select(film, session, easel.lapse, **QUIET)
