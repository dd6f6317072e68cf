"""Make the styles that the client brings along: `bruno styles` lists them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from PIL import Image

import make_style
import make_style_geometric
import style_ink
import style_mosaic
import style_pointillism
import style_poster
import style_woodcut

LIBRARY: Final = Path(__file__).parents[1] / "client" / "src" / "bruno" / "styles"
SIDE: Final = 640  # pixels
QUALITY: Final = 80

MAKERS: Final[Mapping[str, Callable[[int], Image.Image]]] = {
    "glass": lambda size: make_style_geometric.make(size, seed=0),
    "ink": style_ink.make,
    "mosaic": style_mosaic.make,
    "pointillism": style_pointillism.make,
    "poster": style_poster.make,
    "swirls": lambda size: make_style.paint(size, seed=3),
    "woodcut": style_woodcut.make,
}


def main() -> None:
    """Write the pictures that the command line names, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*MAKERS, []], help="all where none is named")
    parser.add_argument("--size", type=int, default=SIDE, help="pixels a side")
    parser.add_argument("--folder", type=Path, default=LIBRARY)
    arguments = parser.parse_args()
    for name in arguments.names or MAKERS:
        path = arguments.folder / f"{name}.webp"
        MAKERS[name](arguments.size).save(path, quality=QUALITY, method=6)
        print(f"{path.name}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
