"""The styles that the client brings along are what the scripts of examples/ make."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from bruno import styles

MAKER = Path(__file__).parents[2] / "examples" / "make_library.py"


@pytest.mark.parametrize("name", styles.names())
def test_a_style_is_made_again(name: str, tmp_path: Path) -> None:
    words = [sys.executable, str(MAKER), name, "--folder", str(tmp_path)]
    subprocess.run(words, check=True, capture_output=True, timeout=600)
    with Image.open(styles.path(name)) as ours, Image.open(tmp_path / f"{name}.webp") as made:
        difference = ImageChops.difference(ours.convert("RGB"), made.convert("RGB"))
    assert max(ImageStat.Stat(difference).mean) < 1
