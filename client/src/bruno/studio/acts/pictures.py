"""What happens when people click a sample photo, a style, or the example."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import gradio as gr

from bruno import styles as library
from bruno.errors import BrunoError
from bruno.studio import fragments, samples
from bruno.studio.bench import QUIET, Bench
from bruno.studio.view_state import ViewState

_STYLES_MOST: Final = 8

Updates = dict[Any, Any]


def wire(bench: Bench) -> gr.events.Dependency:
    """Connects the samples; returns what happens when an example is asked for."""
    pictures, files, status = bench.pictures, bench.files, bench.easel.status

    def photo(event: gr.EventData) -> str:
        return str(files.copy(samples.find(event.pick)))

    def with_style(path: Path, gallery: Any, blend: bool) -> list[Any]:
        chosen = (str(files.copy(path)), None)
        return [*(gallery or ()), chosen][:_STYLES_MOST] if blend else [chosen]

    def style(gallery: Any, blend: bool, event: gr.EventData) -> list[Any]:
        return with_style(library.path(event.pick), gallery, blend)

    def fetched(name: str, gallery: Any, blend: bool) -> Iterator[Updates]:
        if not name:
            return
        yield {status: fragments.status(ViewState().saying("Fetching the painting."))}
        try:
            path = library.fetch(name)
        except BrunoError as error:
            yield {status: fragments.status(ViewState().failed(error))}
            return
        yield {
            pictures.styles: with_style(path, gallery, blend),
            status: fragments.status(ViewState()),
        }

    def example(photo: str | None, gallery: Any) -> tuple[Any, Any]:
        first, style = samples.PHOTOS[0].path, library.path(samples.EXAMPLE_STYLE)
        return (
            photo or str(files.copy(first)),
            gallery or [(str(files.copy(style)), None)],
        )

    both = [pictures.photo, pictures.styles]
    pictures.photo_samples.select(photo, None, pictures.photo, **QUIET)
    inputs = [pictures.styles, pictures.blend]
    pictures.style_samples.select(style, inputs, pictures.styles, **QUIET)
    pictures.museum.input(fetched, [pictures.museum, *inputs], [pictures.styles, status], **QUIET)
    return bench.easel.canvas.select(example, both, both, **QUIET)
