"""The scripts and sheets that the page is made with, which lie beside these modules."""

from __future__ import annotations

from importlib.resources import files


def text_of(name: str) -> str:
    """A file of this folder."""
    return files("bruno.studio").joinpath(name).read_text(encoding="utf-8")
