"""What the studio's page offers, in a real browser against a scripted server."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from typing import Any

from PIL import Image
from scripted_server import Reply, Scripted, accepted, paint, preview, progress

from bruno import read_record, styles
from bruno.studio.samples import EXAMPLE_STYLE, PHOTOS

from .conftest import PHOTO, STYLE, Visit, Visiting, painted, paintings, scripted_painting


def ready(visit: Visiting, address: str, **how: Any) -> Visit:
    """A visitor's page with the server's defaults on its dials."""
    visited = visit(address, **how)
    visited.wait_for_server("ready")
    visited.page.wait_for_function("document.querySelector('#alpha').value === '1'")
    return visited


def finished(visit: Visiting, address: str, **how: Any) -> Visit:
    """A page with a painting that is done."""
    visited = ready(visit, address, **how)
    visited.bring()
    visited.paint()
    visited.wait_for_status("Finished")
    visited.page.locator("#shelf li").wait_for()
    return visited


def hold(scripted: Scripted) -> threading.Event:
    """Lets the next painting wait until the event is set."""

    def held(reply: Reply) -> None:
        go_on.wait(60)
        paint(reply)

    go_on = threading.Event()
    scripted_painting(scripted, held)
    return go_on


def test_one_click_paints_an_example(address: str, scripted: Scripted, visit: Visiting) -> None:
    visited = ready(visit, address)
    visited.page.get_by_role("button", name="Show me with an example").click()
    visited.wait_for_status("Finished")
    fields = painted(scripted)
    assert fields["content"] == PHOTOS[0].path.read_bytes()
    assert fields["style_1"] == styles.path(EXAMPLE_STYLE).read_bytes()


def test_samples_are_clicked(address: str, scripted: Scripted, visit: Visiting) -> None:
    visited = ready(visit, address)
    page = visited.page
    page.get_by_role("button", name="A cat").click()
    page.locator("#photo img").wait_for()
    for title in ("Mountains above a bay", "A peacock in glass and gold"):
        page.get_by_role("button", name=title).click()
        page.locator("#styles img[src*='webp']").wait_for()
    page.locator("#styles img[src*=mosaic]").wait_for()
    visited.paint()
    visited.wait_for_status("Finished")
    fields = painted(scripted)
    assert Image.open(io.BytesIO(fields["content"])).size == (451, 300)
    assert fields["style_1"] == styles.path("mosaic").read_bytes()
    assert len(styles.names()) == page.locator(".samples.many button").count()


def is_scrolled(page: Any) -> bool:
    """Whether the styles want more room than they have."""
    styles = page.locator("#styles .grid-wrap")
    return bool(styles.evaluate("(one) => one.scrollHeight > one.clientHeight"))


def test_a_style_that_is_clicked_joins_the_others(
    address: str, scripted: Scripted, visit: Visiting
) -> None:
    visited = ready(visit, address)
    page = visited.page
    visited.bring()
    assert not is_scrolled(page)
    page.get_by_role("button", name="Several styles").click()
    page.get_by_label("A style that is clicked joins those that are there").check()
    page.get_by_role("button", name="A harbor at sunset").click()
    page.locator("#styles img").nth(1).wait_for()
    assert not is_scrolled(page)
    visited.paint()
    visited.wait_for_status("Finished")
    fields = painted(scripted)
    sent = [fields["style_1"], fields["style_2"]]
    assert sent == [STYLE.read_bytes(), styles.path("pointillism").read_bytes()]


def test_a_painting_from_a_museum(
    address: str, scripted: Scripted, visit: Visiting, museum: Path
) -> None:
    visited = ready(visit, address)
    page = visited.page
    page.get_by_role("combobox", name="From a museum").click()
    page.get_by_role("option", name="The Scream").click()
    visited.wait_for_status("Style the-scream")
    assert page.locator("#said.trouble").count() == 1
    Image.open(STYLE).convert("RGB").save(museum / "great-wave.jpg")
    page.get_by_role("combobox", name="From a museum").click()
    page.get_by_role("option", name="Great Wave").click()
    page.locator("#styles img[src*=great-wave]").wait_for()
    page.get_by_role("button", name="A cat").click()
    page.locator("#photo img").wait_for()
    visited.paint()
    visited.wait_for_status("Finished")
    assert painted(scripted)["style_1"] == (museum / "great-wave.jpg").read_bytes()


def test_a_painters_words_and_the_fields_names(address: str, visit: Visiting) -> None:
    page = ready(visit, address).page
    for words, name in (("Keep the photo", "alpha"), ("Style strength", "beta")):
        assert page.get_by_label(words, exact=True).get_attribute("id") == name
        tip = page.locator(".dial", has=page.locator(f"#{name}")).get_attribute("title")
        assert tip.startswith(f"{name}: Weight of the")
    page.get_by_role("button", name="All dials").click()
    assert "Keep the photo: alpha" in page.locator(".glossary").inner_text()
    page.get_by_label("learning rate", exact=True).wait_for()


def test_a_preset_is_chosen_by_its_picture(address: str, visit: Visiting) -> None:
    page = ready(visit, address).page
    # Every preset has a picture.
    assert page.locator("#preset img").count() == page.locator("#preset input").count() > 1
    page.get_by_role("radio", name="Large and fine").check()
    page.wait_for_function("document.querySelector('#beta').value === '80'")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("document.querySelector('#beta').value === '20'")
    page.locator("#preset input[value=bruno]:checked").wait_for()


def test_a_dial_is_undone_and_redone(address: str, scripted: Scripted, visit: Visiting) -> None:
    visited = ready(visit, address)
    page = visited.page
    assert page.locator("#undo").is_disabled()
    visited.set(alpha=3)
    page.locator("#undo:enabled").wait_for()
    visited.set(beta=50)
    page.get_by_role("button", name="Undo style strength").click()
    page.wait_for_function("document.querySelector('#beta').value === '20'")
    assert page.input_value("#alpha") == "3"
    page.locator("#redo:enabled").click()
    page.wait_for_function("document.querySelector('#beta').value === '50'")


def test_variations_are_painted_in_a_queue(
    address: str, scripted: Scripted, visit: Visiting
) -> None:
    go_on = hold(scripted)
    visited = ready(visit, address)
    page = visited.page
    visited.bring()
    page.get_by_role("button", name="Several variations at once").click()
    page.get_by_label("How many").click()
    page.get_by_role("option", name="4").click()
    page.get_by_role("button", name="Paint the variations").click()
    page.locator("#queue li").nth(2).wait_for()
    page.get_by_role("button", name="Do not paint photo as style, style strength 25").click()
    page.locator("#queue li").nth(2).wait_for(state="detached")
    go_on.set()
    page.locator("#shelf li").nth(2).wait_for()
    page.locator("#stop:disabled").wait_for()
    assert [fields["beta"] for fields in paintings(scripted)] == [b"10.0", b"16.0", b"40.0"]
    assert "style strength 40" in page.locator("#shelf li").first.inner_text()


def test_what_is_asked_for_meanwhile_comes_next(
    address: str, scripted: Scripted, visit: Visiting
) -> None:
    go_on = hold(scripted)
    visited = ready(visit, address)
    page = visited.page
    visited.bring()
    visited.paint()
    page.get_by_role("button", name="Paint this next").wait_for()
    visited.set(beta=77)
    visited.paint()
    page.locator("#queue li").wait_for()
    go_on.set()
    page.locator("#shelf li").nth(1).wait_for()
    page.get_by_role("button", name="Paint", exact=True).wait_for()
    assert [fields["beta"] for fields in paintings(scripted)] == [b"20", b"77"]


def test_it_goes_on_from_a_painting_larger(
    address: str, scripted: Scripted, visit: Visiting
) -> None:
    visited = finished(visit, address)
    page = visited.page
    page.get_by_role("button", name="Go on from it, larger").click()
    page.locator("#shelf li").nth(1).wait_for()
    fields = painted(scripted)
    assert read_record(fields["canvas"])["options"]["beta"] == 20
    asked = {name: fields[name] for name in ("init", "size", "levels")}
    assert asked == {"init": b"image", "size": b"128", "levels": b"2"}
    assert fields["content"] == PHOTO.read_bytes()


def test_before_and_after(address: str, visit: Visiting) -> None:
    page = finished(visit, address).page
    page.get_by_role("tab", name="Before and after").click()
    pictures = page.locator("#before-after img")
    pictures.nth(1).wait_for()
    page.wait_for_function(
        "[...document.querySelectorAll('#before-after img')].every((one) => one.naturalWidth)"
    )
    assert {Path(pictures.nth(n).get_attribute("src")).name for n in (0, 1)} == {
        "photo.jpg",
        "painting.jpg",
    }
    before = page.locator("#before-after .inner").bounding_box()
    slider = page.get_by_role("slider", name="How much of the photo")
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_function(
        "(left) => document.querySelector('#before-after .inner').getBoundingClientRect().x < left",
        arg=before["x"] - 50,
    )


def test_every_pixel_and_the_whole_screen(address: str, visit: Visiting) -> None:
    page = finished(visit, address).page
    page.get_by_role("button", name="Real pixels").first.click()
    image = page.locator("#viewer img")
    page.wait_for_function("document.querySelector('#viewer').dataset.look === 'real'")
    assert image.evaluate("(one) => one.naturalWidth") == 64
    assert image.evaluate("(one) => one.getBoundingClientRect().width") == 64
    page.get_by_role("button", name="Whole picture").click()
    page.locator("#viewer [data-do=fit][aria-pressed=true]").wait_for()
    page.locator("#viewer").get_by_role("button", name="Full screen").click()
    page.wait_for_function("document.fullscreenElement?.parentElement.id === 'viewer'")
    page.get_by_role("button", name="Close").click()
    page.wait_for_function("!document.fullscreenElement && !document.querySelector('#viewer').open")


def test_a_film_of_the_canvas(address: str, visit: Visiting, tmp_path: Path) -> None:
    page = finished(visit, address).page
    page.get_by_role("tab", name="Time-lapse").click()
    with page.expect_download() as begun:
        page.get_by_role("link", name="Save this film").click()
    begun.value.save_as(tmp_path / "film.webp")
    with Image.open(tmp_path / "film.webp") as film:
        assert (film.format, film.size, film.n_frames) == ("WEBP", (64, 48), 2)
    assert begun.value.suggested_filename == "photo-as-style-1.webp"


def test_the_history_survives_a_reload(address: str, scripted: Scripted, visit: Visiting) -> None:
    visited = finished(visit, address)
    page = visited.page
    visited.set(beta=50)
    page.locator("#undo:enabled").wait_for()
    page.reload()
    page.locator("#shelf li").wait_for()
    assert "photo as style" in page.locator("#shelf li").inner_text()
    page.wait_for_function("document.querySelector('#beta').value === '50'")
    page.locator("#photo img").wait_for()
    page.locator("#styles img").wait_for()
    visited.paint()
    page.locator("#shelf li").nth(1).wait_for()
    assert painted(scripted)["content"] == PHOTO.read_bytes()


def test_a_painting_that_was_left_is_kept(
    address: str, scripted: Scripted, visit: Visiting
) -> None:
    hold_on = threading.Event()

    def half(reply: Reply) -> None:
        reply.start()
        reply.say(accepted(reply.received) + progress(25) + preview(25))
        while not hold_on.wait(0.1):
            try:
                reply.say(progress(26))
            except OSError:
                break
        reply.hang_up()

    scripted_painting(scripted, half)
    visited = ready(visit, address)
    visited.bring()
    visited.paint()
    visited.wait_for_status("Step 26")
    visited.page.reload()
    visited.page.locator("#shelf li").wait_for(timeout=60000)
    hold_on.set()
    assert "stopped" in visited.page.locator("#shelf li").inner_text()
