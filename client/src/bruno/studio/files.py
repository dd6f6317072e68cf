"""Pictures as files that the browser can ask for, in the studio's own folder."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bruno.studio.lapse import time_lapse
from bruno.studio.tries import Try

_NOT_FOR_BROWSERS = "image/tiff"


@dataclass(frozen=True)
class Files:
    """The folder, which is gone when the studio ends."""

    folder: Path

    def keep(self, data: bytes, name: str) -> Path:
        """The bytes as a file of this name, under an address that nobody can guess."""
        path = self.folder / hashlib.sha256(data).hexdigest() / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return path

    def copy(self, path: Path) -> Path:
        """The same for a file."""
        return self.keep(path.read_bytes(), path.name)

    def painting(self, one: Try) -> Path:
        """A painting as it came, record and all, under its own name."""
        return self.keep(one.painting.data, one.file_name)

    def pixels(self, one: Try) -> str:
        """The address of all of a painting's pixels, as browsers can show them."""
        if one.painting.media_type != _NOT_FOR_BROWSERS:
            return address_of(self.painting(one))
        file = io.BytesIO()
        one.painting.image.save(file, "PNG")
        return address_of(self.keep(file.getvalue(), "painting.png"))

    def before_after(self, one: Try) -> tuple[Path, Path] | None:
        """Photo and painting at one size; None where the photo cannot be shown."""
        if not one.photo:
            return None
        return self.keep(one.photo, "photo.jpg"), self.keep(one.shown, "painting.jpg")

    def film(self, one: Try) -> Path | None:
        """The time-lapse of a painting's canvas; None where there were no previews."""
        if not one.film.frames:
            return None
        return self.keep(time_lapse(one.film, one.shown), f"{one.stem}.webp")


def address_of(path: Path) -> str:
    """Where the page finds a file of the folder."""
    return f"gradio_api/file={quote(str(path))}"
