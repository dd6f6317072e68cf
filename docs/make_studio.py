"""Make the pictures of the studio anew.

python docs/make_studio.py             screenshots at twice the pixels, with a server running and
                                       its BRUNO_URL and BRUNO_KEY_FILE set, and Chromium installed
python docs/make_studio.py compare     one of them: wide, compare or phone
python docs/make_studio.py presets     the pictures of the presets, painted by the engine, minutes
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from PIL import Image

from bruno import Bruno
from bruno.studio.app import serve
from painter.__main__ import main as paint_file

ROOT: Final = Path(__file__).resolve().parent.parent
PICTURES: Final = ROOT / "docs" / "pictures"
SAMPLES: Final = ROOT / "client" / "src" / "bruno" / "studio" / "samples"
PRESETS: Final = ("draft", "bruno", "neighbors", "strotss", "fine", "gatys")
PORT: Final = 7870
MARGIN: Final = 6
WIDE: Final[Any] = {"viewport": {"width": 1440, "height": 1000}, "color_scheme": "light"}
PHONE: Final[Any] = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
SIDE: Final = 384
MINUTES: Final = 60_000.0
# Where the eye is in the photo of the cat, as shares of its height: left, top, side.
EYE: Final = (0.19, 0.16, 0.66)
PRESET_SIDE: Final = 208


def presets() -> None:
    """A piece of the cat, painted with each preset."""
    cat, style = SAMPLES / "cat.jpg", ROOT / "examples" / "style.png"
    with tempfile.TemporaryDirectory() as folder:
        for preset in PRESETS:
            path = Path(folder) / f"{preset}.png"
            asked = [cat, style, "-o", path, "--preset", preset]
            paint_file([str(word) for word in asked])
            with Image.open(path) as painting:
                _eye(painting).save(SAMPLES / f"preset-{preset}.jpg", quality=86, optimize=True)


def _eye(painting: Image.Image) -> Image.Image:
    left, top, side = (round(share * painting.height) for share in EYE)
    eye = painting.convert("RGB").crop((left, top, left + side, top + side))
    return eye.resize((PRESET_SIDE, PRESET_SIDE), Image.Resampling.LANCZOS)


def screenshots(names: list[str]) -> None:
    """The studio on a wide screen, with two paintings compared, and on a phone; or those named."""
    from playwright.sync_api import sync_playwright

    with (
        serve(Bruno(), "127.0.0.1", PORT) as address,
        sync_playwright() as playwright,
        tempfile.TemporaryDirectory() as folder,
    ):
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for name in names or SHOTS:
            shoot, looks = SHOTS[name]
            context = browser.new_context(**looks, device_scale_factor=2)
            page = context.new_page()
            page.goto(address)
            page.locator("#server").filter(has_text="ready").wait_for(timeout=MINUTES)
            shoot(page, _shutter(page, Path(folder)))
            context.close()
        browser.close()


def _shutter(page: Any, folder: Path) -> Callable[..., None]:
    def shoot(name: str, **how: Any) -> None:
        path = folder / f"{name}.png"
        page.screenshot(path=path, **how)
        with Image.open(path) as image:
            image.convert("RGB").save(PICTURES / f"{name}.webp", quality=88, method=6)

    return shoot


def _wide(page: Any, shoot: Callable[..., None]) -> None:
    _paint(page, "An astronaut", "Swirling oil paint")
    page.evaluate("scrollTo(0, 0)")
    shoot("studio-wide")
    page.get_by_role("tab", name="Before and after").click()
    page.wait_for_function(
        "[...document.querySelectorAll('#before-after img')].length === 2 && "
        "[...document.querySelectorAll('#before-after img')].every((one) => one.naturalWidth)"
    )
    shoot("studio-before-after", clip=_box(page, "#views"))


def _compare(page: Any, shoot: Callable[..., None]) -> None:
    _paint(page, "A cat", "A harbor at sunset")
    _paint(page, "A cat", "A harbor at sunset", beta=60, style_scale=2)
    shoot("studio-compare", clip=_box(page, "#compare"), full_page=True)


def _phone(page: Any, shoot: Callable[..., None]) -> None:
    _paint(page, "A tower above a lake", "Mountains above a bay")
    page.evaluate("scrollTo(0, 0)")
    shoot("studio-phone-dark")


def _paint(page: Any, photo: str, style: str, **dials: float) -> None:
    """One painting from samples, and waits until it is on the shelf."""
    before = page.locator("#shelf li").count()
    page.get_by_role("button", name=photo).click()
    page.locator("#photo img").wait_for()
    page.get_by_role("button", name=style).click()
    page.locator("#styles img").first.wait_for()
    for name, value in {"size": SIDE, **dials}.items():
        page.fill(f"#{name}", str(value))
        page.press(f"#{name}", "Tab")
    page.click("#paint")
    page.locator("#shelf li").nth(before).wait_for(timeout=10 * MINUTES)


def _box(page: Any, selector: str) -> dict[str, float]:
    """Where a part of the page is, with a margin."""
    box = page.locator(selector).evaluate(
        "(one) => { const box = one.getBoundingClientRect();"
        "return [box.x + scrollX, box.y + scrollY, box.width, box.height]; }"
    )
    x, y, width, height = box
    return {"x": x - MARGIN, "y": y, "width": width + 2 * MARGIN, "height": height + MARGIN}


SHOTS: Final[Any] = {"wide": (_wide, WIDE), "compare": (_compare, WIDE), "phone": (_phone, PHONE)}


if __name__ == "__main__":
    presets() if sys.argv[1:] == ["presets"] else screenshots(sys.argv[1:])
