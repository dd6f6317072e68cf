"""The SDK and the command line against the real servers with the real VGG-19."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image, ImageChops, ImageStat

from bruno import (
    Accepted,
    AuthenticationError,
    Bruno,
    InvalidInputError,
    NotAnImageError,
    OutOfRangeError,
    Preview,
    Progress,
    read_record,
)
from bruno.cli import cli

from .both import connecting

EXAMPLES = Path(__file__).parents[2] / "examples"
PHOTO, STYLE = EXAMPLES / "photo.jpg", EXAMPLES / "style.png"
SMALL: Any = {"size": 64, "steps": 40}
# Where it does not matter how the painting looks.
QUICK: Any = {"size": 64, "steps": 5}


@pytest.fixture
def real(server: Any, request: pytest.FixtureRequest) -> Iterator[Bruno]:
    """A client of each server: all that differs between clients is tested against a script."""
    name = request.node.callspec.params["server"]
    for connect in connecting("async" if name == "asgi" else "sync"):
        yield connect(server.url, key_file=server.key_file)


def flags(server: Any) -> list[str]:
    return ["--url", server.url, "--key-file", str(server.key_file), "--size", "64"]


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of two pictures' channels, from 0 to 255."""
    resized = other.convert("RGB").resize(one.size)
    bands = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), resized)).mean
    return sum(bands) / len(bands)


def test_a_painting(real: Bruno) -> None:
    painting = real.paint(PHOTO, STYLE, **SMALL)
    assert max(painting.image.size) == 64
    assert painting.image.size == (painting.width, painting.height)
    assert painting.record["steps"] == 40
    assert read_record(painting.data) == painting.record
    assert difference(painting.image, Image.open(PHOTO)) > 10
    assert difference(painting.image, Image.open(STYLE)) > 10


def test_the_same_seed_paints_the_same_pixels(real: Bruno) -> None:
    one, same, other = (
        real.paint(PHOTO, STYLE, init="noise", seed=seed, **QUICK).image for seed in (1, 1, 2)
    )
    assert difference(one, same) == 0
    assert difference(one, other) > 0


def test_the_events_of_a_painting(real: Bruno) -> None:
    events = list(real.stream(PHOTO, STYLE, preview_every=0.25, **SMALL))
    progress = [one for one in events if isinstance(one, Progress)]
    (start,) = (one for one in events if isinstance(one, Accepted))
    assert start.options["size"] == 64
    assert progress[-1].step == progress[-1].steps == 40
    # The factor is 30 here; without a working optimizer it would be about 1.
    assert progress[-1].style_loss < progress[0].style_loss / 10
    assert [one.step for one in progress] == sorted(one.step for one in progress)


def test_leaving_a_stream_frees_the_server(real: Bruno) -> None:
    with real.stream(PHOTO, STYLE, size=512, steps=5000, preview_every=0.25) as events:
        next(one for one in events if isinstance(one, Preview))
        assert real.describe()["running"] == 1
    assert real.paint(PHOTO, STYLE, **QUICK).width == 64
    freed = threading.Event()
    for _ in range(40):
        if real.describe()["running"] == 0:
            freed.set()
            break
        freed.wait(0.5)
    assert freed.is_set()


def test_a_preview_can_be_gone_on_from(real: Bruno) -> None:
    stream = real.stream(PHOTO, STYLE, size=128, steps=60, levels=1, preview_every=0.25)
    with stream as events:
        preview = next(one for one in events if isinstance(one, Preview))
    place = {"level": preview.level, "step": preview.step}
    painting = real.paint(
        PHOTO, STYLE, size=128, steps=60, levels=1, canvas=preview.data, resume=place
    )
    assert painting.record["resumed"] == place


def test_two_styles_with_masks(real: Bruno) -> None:
    left = Image.new("L", (64, 64), 0)
    left.paste(255, (0, 0, 32, 64))
    right = ImageChops.invert(left)
    painting = real.paint(
        PHOTO, [STYLE, PHOTO], masks={1: left, 2: right}, style_weights=[1, 2], **QUICK
    )
    assert painting.record["style_weights"] == pytest.approx([1 / 3, 2 / 3])


def test_problems(real: Bruno, server: Any) -> None:
    with pytest.raises(OutOfRangeError, match="alpha") as caught:
        real.paint(PHOTO, STYLE, alpha=-1)
    assert (caught.value.field, caught.value.code) == ("alpha", "option_out_of_range")
    with pytest.raises(NotAnImageError) as broken:
        real.paint(b"text", STYLE)
    assert broken.value.field == "content"
    with pytest.raises(InvalidInputError):
        real.paint("no.jpg", STYLE)
    with pytest.raises(AuthenticationError):
        Bruno(server.url, token="wrong").paint(PHOTO, STYLE)  # noqa: S106 - no secret


def test_a_batch(real: Bruno) -> None:
    batch = real.batch([PHOTO, b"text"], [STYLE], **QUICK)
    assert [finished.task.content for finished in batch] == [PHOTO]
    assert [type(failed.error) for failed in batch.failures] == [NotAnImageError]


def test_what_the_server_tells_of_itself(real: Bruno) -> None:
    real.wait_ready(30)
    told = real.describe()
    assert told["health"] in ("ready", "busy")
    assert told["limits"]["styles"] == 8
    assert real.health() in ("ready", "busy")
    assert real.state() in ("ready", "busy")


@pytest.mark.parametrize("format", ["webp", "tiff"])
def test_the_command_line(server: Any, tmp_path: Path, format: str) -> None:
    output = tmp_path / f"painting.{format}"
    words = ["paint", str(PHOTO), str(STYLE), "-o", str(output), "--steps", "10", "--watch"]
    done = CliRunner().invoke(cli, [*words, *flags(server)])
    assert done.exit_code == 0, done.output
    assert read_record(output)["options"]["steps"] == 10
    again = ["paint", str(PHOTO), str(STYLE), "-o", "-", "--like", str(output)]
    done = CliRunner().invoke(cli, [*again, *flags(server)])
    assert done.exit_code == 0
    assert "warning" not in done.stderr
    same = Image.open(io.BytesIO(done.stdout_bytes))
    assert difference(same, Image.open(output)) == 0


def test_a_batch_again_paints_what_was_painted_otherwise(server: Any, tmp_path: Path) -> None:
    words = ["batch", str(PHOTO), str(STYLE), "-o", str(tmp_path / "out"), "--steps", "5"]
    layers = ["--style-layers", "conv1_1:2,conv2_1:1", "--style-scale", "0.5", "--preset", "draft"]

    def told(*more: str) -> str:
        done = CliRunner().invoke(cli, [*words, *more, *flags(server)])
        assert done.exit_code == 0, done.output
        return done.stderr

    assert "anew" not in told()
    assert told() == "1 of 1 are painted already\n"
    assert "anew: not the same style_layers, style_scale as in the file" in told(*layers)
    assert told(*layers) == "1 of 1 are painted already\n"
    assert "anew: not the same style_layers, style_scale as in the file" in told()


def test_leaving_from_another_thread_frees_the_server_at_once(real: Bruno) -> None:
    stream = real.stream(PHOTO, STYLE, size=512, steps=5000, preview_every=0)
    next(one for one in stream if isinstance(one, Accepted))
    rest: list[Any] = []
    follower = threading.Thread(target=lambda: rest.extend(stream))
    follower.start()
    stream.close()
    follower.join(20)
    assert not follower.is_alive()
    for _ in range(40):
        if real.describe()["running"] == 0:
            return
        threading.Event().wait(0.5)
    pytest.fail("the server still paints")
