"""Requests that schemathesis thinks of, good and bad: every answer is one of the document's."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from make_openapi import TARGET

from .conftest import Caller, tiny_picture

CHECKS = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
# TorchServe parses forms before the worker sees them, and calls what it cannot read an error.
UNREADABLE = ("ErrorDataDecoderException", "StringIndexOutOfBoundsException")
PICTURES = {"content": tiny_picture("teal"), "style": tiny_picture("orange")}
# One evaluation or two, whatever else is asked for.
QUICK = {"size": 64, "steps": 2, "levels": 1, "max_seconds": 5, "preview_every": 0}
PICTURE_NAME = re.compile("content(_mask)?|canvas|(style|mask|style_mask)(_[1-8])?")
LIMITS = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
CONFIG = {
    "seed": 1,
    "generation": {"with-security-parameters": False},
    "phases": {"coverage": {"unexpected-methods": []}, "stateful": {"enabled": False}},
}

# What only one of the servers has is left out.
schema = schemathesis.openapi.from_path(
    TARGET, config=SchemathesisConfig.from_dict(CONFIG)
).exclude(path_regex="/(ping|health|metrics)$")
painting = schema["/predictions/bruno"]["POST"]
told: Counter[str] = Counter()


def call(case: Case, caller: Caller) -> Response:
    """Sends a request; raises where its answer is not one of the document's."""
    answer = case.call(base_url=caller.server.url, headers=caller.headers)
    case.validate_response(answer, checks=CHECKS)
    media_type = answer.headers["content-type"][0]
    told[media_type if answer.status_code == 200 else str(answer.status_code)] += 1
    if answer.status_code >= 500:
        assert answer.json()["type"] in UNREADABLE
    return answer


def with_pictures(case: Case, pictures: dict[str, bytes]) -> dict[str, Any]:
    """The body with pictures for all that are text or bytes, as its kind has them."""
    body: dict[str, Any] = case.body
    given: dict[str, Any] = {
        name: pictures["content" if name == "content" else "style"]
        for name, value in body.items()
        if isinstance(value, str | bytes) and PICTURE_NAME.fullmatch(name)
    }
    if case.media_type == "application/json":
        given = {name: base64.b64encode(data).decode() for name, data in given.items()}
    return {**body, **given}


@pytest.fixture(scope="module", autouse=True)
def unharmed_by_all(caller: Caller) -> Iterator[None]:
    """After all of it the same worker answers."""
    before = caller.workers()
    yield
    assert caller.describe()["running"] == 0
    assert caller.workers() == before


@pytest.fixture(scope="module")
def refused_for_all_reasons() -> Iterator[None]:
    yield
    assert {"application/json", "400", "415", "422"} <= set(told)


@pytest.fixture(scope="module")
def painted_both_ways() -> Iterator[None]:
    before = told.copy()
    yield
    painted = [name for name in (told - before).elements() if name.startswith(("image", "text"))]
    assert len(painted) > 10
    assert {name.partition("/")[0] for name in painted} == {"image", "text"}


@pytest.mark.usefixtures("refused_for_all_reasons")
@schema.parametrize()
@LIMITS
def test_every_answer_is_documented(case: Case, caller: Caller) -> None:
    # Options are read before pictures, so that good options meet 415 without being painted.
    if isinstance(case.body, dict) and case.media_type == "application/json":
        case.body = with_pictures(case, {"content": b"no", "style": b"no"})
    call(case, caller)


@pytest.mark.usefixtures("painted_both_ways")
@given(
    case=painting.as_strategy(generation_mode=GenerationMode.POSITIVE),
    stream=st.sampled_from(["events", "none"]),
)
@LIMITS
def test_every_painting_is_documented(case: Case, stream: str, caller: Caller) -> None:
    assert isinstance(case.body, dict)
    if "describe" not in case.body:
        case.body = {**with_pictures(case, PICTURES), **QUICK, "stream": stream}
    if case.media_type == "multipart/form-data":
        # A list of numbers as text, and text is all that schemathesis knows of it.
        case.body.pop("style_weights", None)
    assert call(case, caller).status_code in (200, 422)
