"""Which photos are painted in which styles, and their pixels at a size, the same for everyone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

ROOT: Final = Path(__file__).resolve().parent.parent
EXAMPLES: Final = ROOT / "examples"
# Where pictures may lie that are not part of this repository.
USUAL_IMAGES: Final = ROOT.parent / "shared" / "images"


@dataclass(frozen=True)
class Pair:
    """A photo and a style, in files of any size."""

    name: str
    content: Path
    style: Path


@dataclass(frozen=True)
class Scene:
    """A pair at one size: PNG files whose longest side is `size` px."""

    pair: str
    size: int
    content: Path
    style: Path

    @property
    def name(self) -> str:
        """Tells it apart in the names of files."""
        return f"{self.pair}-{self.size}"


def find_pairs(images: Path) -> list[Pair]:
    """The photos in `content` and the styles in `public-domain` and `style`, in order of name.

    The k-th photo goes with the k-th style. Where there is no such folder, the examples serve.
    """
    if not (images / "content").is_dir():
        photo = EXAMPLES / "photo.jpg"
        styles = (EXAMPLES / "style.png", EXAMPLES / "style_geometric.png")
        return [Pair(f"example-{style.stem}", photo, style) for style in styles]
    contents = sorted((images / "content").iterdir())
    styles_found = [
        path for name in ("public-domain", "style") for path in sorted((images / name).glob("*"))
    ]
    return [
        Pair(f"{content.stem}-{style.stem}", content, style)
        for content, style in zip(contents, styles_found, strict=False)
    ]


def make_scene(pair: Pair, size: int, folder: Path) -> Scene:
    """Bring a pair to a size; nobody who paints it has to resize anything then."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{pair.name}-{size}-{name}.png" for name in ("content", "style")]
    for source, path in zip((pair.content, pair.style), paths, strict=True):
        with Image.open(source) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
        scale = size / max(image.size)
        width, height = (max(1, round(side * scale)) for side in image.size)
        image.resize((width, height), Image.Resampling.LANCZOS).save(path)
    return Scene(pair.name, size, *paths)
