"""JSON that no client should send: each has its own answer, and none hurts the worker."""

from __future__ import annotations

import pytest

from .conftest import Caller, Contract

pytestmark = pytest.mark.usefixtures("unharmed")

BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "a list": (b"[]", 400),
    "null": (b"null", 400),
    "a text": (b'"describe"', 400),
    "NaN": (b"NaN", 400),
    "half": (b'{"content": "', 400),
    "deep lists": (b"[" * 100_000 + b"]" * 100_000, 400),
    "deep objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400),
    "a number of 5000 digits": (b'{"alpha": 1%s}' % (b"0" * 5000), 400),
    "no UTF-8": (b'{"content": "\xff"}', 400),
    "UTF-16": ('{"alpha": 1}'.encode("utf-16"), 400),
    "half a surrogate for a name": (rb'{"\ud800": 1}', 422),
    "half a surrogate for a picture": (rb'{"content": "\ud800", "style": "YQ=="}', 400),
    "half a surrogate for an option": (
        rb'{"content": "YQ==", "style": "YQ==", "format": "\ud800"}',
        422,
    ),
    "a null for a name": (rb'{"\u0000": 1}', 422),
    "describe that is a text": (b'{"describe": "true"}', 422),
    "describe that is false": (b'{"describe": false}', 422),
    "a picture that is a number": (b'{"content": 1, "style": "YQ=="}', 400),
    "a picture that is an object": (b'{"content": {"a": 1}, "style": "YQ=="}', 400),
    "a picture that is no base64": (b'{"content": "***", "style": "YQ=="}', 400),
    "a picture of nothing": (b'{"content": "", "style": "YQ=="}', 400),
    "a data URI of nothing": (b'{"content": "data:", "style": "YQ=="}', 400),
    "pictures that are null": (b'{"content": null, "style": null}', 400),
    "an option within options that is not": (
        b'{"content": "YQ==", "style": "YQ==", "options": {"alhpa": 1}}',
        422,
    ),
    "options that are deep": (
        b'{"content": "YQ==", "style": "YQ==", "seed": %s1%s}' % (b"[" * 400, b"]" * 400),
        422,
    ),
    "layers by weights that are not": (
        b'{"content": "YQ==", "style": "YQ==", "style_layers": {"conv1_1": NaN}}',
        422,
    ),
    "layers that are lists": (
        b'{"content": "YQ==", "style": "YQ==", "style_layers": [["conv1_1"]]}',
        422,
    ),
    "layers of any kind": (
        b'{"content": "YQ==", "style": "YQ==", "style_layers": {"conv1_1": {}}}',
        422,
    ),
    "a seed of 400 digits": (
        b'{"content": "YQ==", "style": "YQ==", "seed": 1%s}' % (b"0" * 400),
        422,
    ),
    "scales of any kind": (
        b'{"content": "YQ==", "style": "YQ==", "style_scale": [null]}',
        422,
    ),
    "a stream of any kind": (b'{"content": "YQ==", "style": "YQ==", "stream": {}}', 422),
    "a resume of any kind": (
        b'{"content": "YQ==", "style": "YQ==", "resume": {"level": [], "step": 1}}',
        422,
    ),
}


@pytest.mark.parametrize("nasty", BODIES)
def test_json(caller: Caller, contract: Contract, nasty: str) -> None:
    body, status = BODIES[nasty]
    answer = caller.send(data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    contract.check(answer.json(), "Problem")
