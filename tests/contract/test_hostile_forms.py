"""Forms as the SDK and the gateway send them, as bytes, are never seen by TorchServe's decoder."""

from __future__ import annotations

import pytest

from .conftest import Caller, Contract
from .forms import CONTENT, FORM, STYLE, form, part
from .hostile import HOSTILE, NAMELESS
from .test_nasty_forms import FORMS, OTHERS

pytestmark = pytest.mark.usefixtures("unharmed")

# TorchServe answers these itself, with a 500, where it is told that they are forms.
ITS_OWN = {
    "a part within a part, without a boundary",
    "the same as a file",
    "no boundary",
    "an empty boundary",
    "the beginning again and again",
    "an unknown charset",
}


def as_bytes(kind: str) -> dict[str, str]:
    return {"Content-Type": "application/octet-stream", "X-Bruno-Content-Type": kind}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_as_bytes_it_cannot_be_read(caller: Caller, contract: Contract, hostile: str) -> None:
    kind, body = HOSTILE[hostile]
    answer = caller.send(data=body, headers=as_bytes(kind))
    assert answer.status_code == 400
    assert answer.json()["code"] in ("malformed", "missing_image")
    contract.check(answer.json(), "Problem")


@pytest.mark.parametrize("nameless", NAMELESS)
def test_as_bytes_an_empty_name_is_unknown(caller: Caller, nameless: str) -> None:
    kind, body = NAMELESS[nameless]
    answer = caller.send(data=body, headers=as_bytes(kind))
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_option")


@pytest.mark.parametrize("hostile", [name for name in HOSTILE if name not in ITS_OWN])
def test_as_a_form_it_is_answered(
    torchserve_caller: Caller, contract: Contract, hostile: str
) -> None:
    kind, body = HOSTILE[hostile]
    answer = torchserve_caller.send(data=body, headers={"Content-Type": kind})
    assert answer.status_code in (400, 422)
    contract.check(answer.json(), "Problem")


def test_as_bytes_both_servers_answer_alike(caller: Caller, contract: Contract) -> None:
    for nasty, (body, status) in FORMS.items():
        expected = OTHERS["asgi"].get(nasty, status)
        answer = caller.send(data=body, headers=as_bytes(FORM))
        assert (nasty, answer.status_code) == (nasty, expected)
        contract.check(answer.json(), "Problem")


def test_as_bytes_it_paints_and_describes(caller: Caller, contract: Contract) -> None:
    fields = [part("size", b"64"), part("steps", b"2"), part("preview_every", b"0")]
    painted = caller.send(data=form(CONTENT, STYLE, *fields), headers=as_bytes(FORM))
    assert (painted.status_code, painted.headers["Content-Type"]) == (200, "image/png")
    told = caller.send(data=b'{"describe": true}', headers=as_bytes("application/json"))
    contract.check(told.json(), "Description")


def test_bytes_of_no_kind_are_refused(caller: Caller) -> None:
    for kind in ("", "image/png", "application/octet-stream"):
        answer = caller.send(data=b"1" * 1000, headers=as_bytes(kind))
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
