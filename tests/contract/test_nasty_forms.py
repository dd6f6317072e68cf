"""Forms that no client should send: each has its own answer, and none hurts the worker."""

from __future__ import annotations

import pytest

from .conftest import Caller, Contract
from .forms import CONTENT, FORM, OF_JSON, OF_TEXT, PNG, STYLE, form, part

pytestmark = pytest.mark.usefixtures("unharmed")

TINY = {"size": "64", "steps": "2", "preview_every": "0"}

FORMS: dict[str, tuple[bytes, int]] = {
    "a name given twice": (form(CONTENT, CONTENT, STYLE, part("steps", b"many")), 422),
    "a name given a thousand times": (form(*[part("seed", b"1")] * 1000), 400),
    "a huge name": (form(CONTENT, STYLE, part("a" * 100_000, b"1")), 422),
    "a name in Japanese": (form(CONTENT, STYLE, part("絵", b"1")), 422),
    "a name that is no UTF-8": (form(CONTENT, STYLE, part(b"\xff\xfe", b"1")), 422),
    "a name with a null": (form(CONTENT, STYLE, part("al\0pha", b"1")), 422),
    "a name with quotes": (form(CONTENT, STYLE, part('a\\"b', b"1")), 422),
    "a name like an attribute": (form(CONTENT, STYLE, part("__class__", b"1")), 422),
    "a path for a name": (form(CONTENT, STYLE, part("../../etc/passwd", b"1")), 422),
    "body for a name": (form(part("body", b'{"describe": true}')), 400),
    "body for a file": (
        form(part("body", b"{}", OF_JSON, True)),
        400,
    ),
    "a null in a number": (form(CONTENT, STYLE, part("seed", b"1\0")), 422),
    "a text that is no UTF-8": (form(CONTENT, STYLE, part("seed", b"\xff\xfe")), 400),
    "a text in UTF-16": (form(CONTENT, STYLE, part("seed", "1".encode("utf-16"))), 400),
    "a picture that is half a surrogate": (
        form(part("content", rb'"\ud800"', OF_JSON, True), STYLE),
        415,
    ),
    "a picture that is JSON": (
        form(part("content", b"[1]", OF_JSON, True), STYLE),
        415,
    ),
    "a picture that is a text": (
        form(part("content", b"hello", OF_TEXT, True), STYLE),
        415,
    ),
    "an option that is a file of JSON": (
        form(CONTENT, STYLE, part("seed", b"[[1]]", OF_JSON, True)),
        422,
    ),
    "a mask that is null": (
        form(CONTENT, STYLE, part("mask_1", b"null", OF_JSON, True)),
        415,
    ),
    "options that are a list": (form(CONTENT, STYLE, part("options", b"[]")), 400),
    "options that are deep": (form(CONTENT, STYLE, part("options", b"[" * 100_000)), 400),
    "options within options": (form(CONTENT, STYLE, part("options", b'{"options": {}}')), 422),
    "a resume that is deep": (form(CONTENT, STYLE, part("resume", b'{"level":' * 50_000)), 400),
    "a resume of huge numbers": (
        form(CONTENT, STYLE, part("resume", b'{"level": -1%s, "step": 1}' % (b"0" * 400))),
        422,
    ),
    "weights that are not finite": (form(CONTENT, STYLE, part("style_weights", b"[NaN]")), 422),
    "a weight that is infinite": (form(CONTENT, STYLE, part("style_weights", b"[Infinity]")), 422),
    "a weight of 400 digits": (
        form(CONTENT, STYLE, part("style_weights", b"[1%s]" % (b"0" * 400))),
        422,
    ),
    "a weight of 5000 digits": (
        form(CONTENT, STYLE, part("style_weights", b"[1%s]" % (b"0" * 5000))),
        400,
    ),
    "a style 0": (form(CONTENT, part("style_0", PNG, file=True)), 422),
    "a style 9": (form(CONTENT, STYLE, part("style_9", PNG, file=True)), 422),
    "a style of a huge number": (form(CONTENT, part("style_" + "9" * 5000, PNG, file=True)), 422),
    "a stream of nothing": (form(CONTENT, STYLE, part("stream", b"")), 422),
    "no end": (CONTENT + STYLE, 400),
    "no parts": (b"--x--\r\n", 400),
    "no boundary of it": (b"--y\r\n\r\n--y--\r\n", 400),
    "nothing": (b"", 400),
}


# TorchServe takes a field named body for the body; python-multipart reads no header over 4 KiB.
OTHERS = {
    "asgi": {
        "a huge name": 400,
        "a style of a huge number": 400,
        "body for a name": 422,
        "body for a file": 422,
    }
}


@pytest.mark.parametrize("nasty", FORMS)
def test_forms(caller: Caller, contract: Contract, nasty: str) -> None:
    body, status = FORMS[nasty]
    status = OTHERS.get(caller.server.settings.server, {}).get(nasty, status)
    answer = caller.send(data=body, headers={"Content-Type": FORM})
    assert answer.status_code == status
    contract.check(answer.json(), "Problem")


NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400, "1" + "0" * 5000, "0x10"]
NUMBERS += [
    "1_000",
    "１",
    "1,5",
    "",
    " ",
    "null",
    "true",
    "[]",
    "{}",
    '"1"',
    "--1",
    "\0",
    "🎨" * 999,
]


@pytest.mark.parametrize("name", ["alpha", "size", "style_scale", "max_seconds", "preview_every"])
def test_numbers(caller: Caller, contract: Contract, name: str) -> None:
    for number in NUMBERS:
        answer = caller.send(files={"content": PNG, "style": PNG}, data={**TINY, name: number})
        assert (number, answer.status_code) == (number, 422)
        contract.check(answer.json(), "Problem")
        assert answer.json()["field"] == name
        assert len(answer.json()["detail"]) < 300
