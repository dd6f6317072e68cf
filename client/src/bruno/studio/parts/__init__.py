"""The parts of the page, laid out: each module makes one, and tells what is in it."""

from bruno.studio.parts import easel, masks, pictures, settings, shelf

__all__ = ["easel", "masks", "pictures", "settings", "shelf"]
