"""The whole page, for those who act on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import gradio as gr

from bruno.client import Bruno
from bruno.studio import fragments
from bruno.studio.files import Files
from bruno.studio.parts.easel import Easel
from bruno.studio.parts.pictures import Pictures
from bruno.studio.parts.settings import Settings
from bruno.studio.parts.shelf import Shelf

QUIET: Final[dict[str, Any]] = {
    "show_progress": "hidden",
    "api_visibility": "private",
    "concurrency_limit": None,
}
"""How all events are wired: the server's own line is the only one, and the page shows it."""


@dataclass(frozen=True)
class Bench:
    """All parts of the page; `values` are the controls by name."""

    client: Bruno
    files: Files
    session: gr.State
    server: gr.HTML
    pictures: Pictures
    settings: Settings
    values: Mapping[str, Any]
    easel: Easel
    shelf: Shelf

    def asked(self) -> list[Any]:
        """The parts that tell what is to be painted."""
        return [*self.pictures.inputs(), *self.values.values()]

    def showing(self, values: Mapping[str, Any]) -> dict[Any, Any]:
        """The controls with other values; those without one become empty."""
        return {part: values.get(name) for name, part in self.values.items()}


def header() -> gr.HTML:
    """The title; returns the line that tells the server's health."""
    with gr.Row(elem_id="header"):
        gr.HTML("<h1>Bruno</h1><p>Paint a photo in the style of any painting.</p>")
        return gr.HTML(fragments.server("Asking the server …"), elem_id="server")
