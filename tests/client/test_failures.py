"""Everything that a network, TorchServe and Bruno can answer instead of a painting."""

from __future__ import annotations

import copy
import json
import pickle
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import bruno as b
from bruno import Bruno

from .both import Connect
from .conftest import Folder
from .scripted_server import Reply, Scripted, accepted, event, painting, problem

Script = Callable[[Reply], None]


def says(status: int, media_type: str, body: Any, **headers: str) -> Script:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda reply: reply.whole(status, media_type, text, **headers)


def tells_problem(status: int, code: str, **more: Any) -> Script:
    return says(status, "application/problem+json", problem(status, code, "a reason", **more))


def torchserve(status: int, kind: str, message: str) -> Script:
    body = {"code": status, "type": kind, "message": message}
    return says(status, "application/json", body)


def streams(*pieces: bytes) -> Script:
    def script(reply: Reply) -> None:
        reply.start()
        for piece in pieces:
            reply.say(piece)
        reply.end()

    return script


TORCHSERVE_FULL = torchserve(503, "ServiceUnavailableException", "no worker is available")
WORKER_DIED = torchserve(500, "InternalServerException", "Worker died.")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "missing_image", b.BadRequestError),
        (404, "not_found", b.BadRequestError),
        (408, "body_too_slow", b.BadRequestError),
        (413, "image_too_large", b.RequestTooLargeError),
        (415, "not_an_image", b.NotAnImageError),
        (422, "unknown_layer", b.OutOfRangeError),
        (500, "internal", b.InternalServerError),
        (507, "out_of_memory", b.OutOfMemoryError),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_problems_become_exceptions(
    bruno: Bruno,
    scripted: Scripted,
    folder: Folder,
    status: int,
    code: str,
    kind: type[b.StatusError],
    late: bool,
) -> None:
    said = problem(status, code, "a reason", field="size")
    early = tells_problem(status, code, field="size")
    scripted.script = [streams(event("error", said)) if late else early]
    with pytest.raises(b.StatusError, match="^a reason$") as caught:
        bruno.paint("photo.jpg", "starry-night.jpg")
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.field, error.status, error.request_id) == (code, "size", status, "r1")
    assert len(scripted.requests) == 1


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (says(413, "text/plain", b""), b.RequestTooLargeError, "must be at most 48 MiB"),
        (says(401, "text/html", b"<p>Who?</p>"), b.AuthenticationError, "refused the token"),
        (
            says(404, "text/html", b"<p>No</p>"),
            b.UnexpectedResponseError,
            "404: is it a Bruno server",
        ),
        (
            says(200, "text/html", b"<p>Hi</p>"),
            b.UnexpectedResponseError,
            "text/html instead of text/ev",
        ),
        (
            says(200, "image/png", b"..."),
            b.UnexpectedResponseError,
            "image/png instead of text/event",
        ),
        (
            torchserve(404, "ModelNotFoundException", "Model not found: bruno"),
            b.InternalServerError,
            "TorchServe answered: Model not found: bruno",
        ),
        (says(500, "application/json", b"[1]"), b.WorkerRestartedError, "500 without a reason"),
        (
            streams(b"event: progress\ndata: {\n\n"),
            b.UnexpectedResponseError,
            "garbled progress event",
        ),
        (streams(event("progress", {})), b.UnexpectedResponseError, "garbled progress event"),
        (
            streams(event("error", {"status": 500})),
            b.UnexpectedResponseError,
            "garbled error event",
        ),
        (
            streams(event("preview", {"image": "%"})),
            b.UnexpectedResponseError,
            "garbled preview event",
        ),
    ],
)
def test_other_answers(
    connect: Connect,
    scripted: Scripted,
    folder: Folder,
    script: Script,
    kind: type[b.BrunoError],
    words: str,
) -> None:
    scripted.script = [script]
    with pytest.raises(b.BrunoError, match=words) as caught:
        connect(retries=0).paint("photo.jpg", "starry-night.jpg")
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "script",
    [
        tells_problem(503, "full", retry_after=0),
        tells_problem(429, "too_many", retry_after=0),
        tells_problem(503, "short_of_memory", retry_after=0),
        torchserve(507, "InternalServerException", "Out of resources"),
        says(429, "text/html", b"<p>Slow down</p>", Retry_After="0"),
        says(503, "application/problem+json", problem(503, "full", "full"), Retry_After="0"),
        streams(event("error", problem(503, "full", "full"))),
        TORCHSERVE_FULL,
        WORKER_DIED,
        tells_problem(503, "interrupted"),
        streams(event("error", problem(503, "interrupted", "the worker was restarted"))),
        says(502, "text/html", b"<p>Bad gateway</p>"),
        streams(),
        Reply.hang_up,
        lambda reply: reply.start() or reply.hang_up(),
    ],
)
def test_tried_again_and_painted(
    bruno: Bruno, scripted: Scripted, folder: Folder, script: Script
) -> None:
    scripted.script = [script, script]
    painting = bruno.paint("photo.jpg", "starry-night.jpg", seed=3)
    assert painting.seed == 3
    assert "client" not in painting.record
    first, *others = (received.fields for received in scripted.requests)
    assert others == [first, first]


def test_patience_ends(connect: Connect, scripted: Scripted, folder: Folder) -> None:
    scripted.script = [TORCHSERVE_FULL] * 9
    with pytest.raises(b.ServerFullError, match="no worker is available"):
        connect(patience=0.02).paint("photo.jpg", "starry-night.jpg")
    assert len(scripted.requests) > 1


def test_a_full_server_is_waited_for_whatever_retries_are_left(
    connect: Connect, scripted: Scripted, folder: Folder, pauses: list[float]
) -> None:
    scripted.script = [tells_problem(503, "full")] * 9
    connect(retries=0).paint("photo.jpg", "starry-night.jpg")
    assert len(pauses) == 9


@pytest.mark.parametrize("patience", [-1, float("nan"), float("inf"), "ten", True])
def test_patience_is_seconds(connect: Connect, patience: Any) -> None:
    with pytest.raises(b.InvalidInputError, match="patience must be seconds from 0, got"):
        connect(patience=patience)


def test_a_hint_beyond_patience_ends_it(bruno: Bruno, scripted: Scripted, folder: Folder) -> None:
    scripted.script = [tells_problem(503, "full", retry_after=3600)]
    with pytest.raises(b.ServerFullError) as caught:
        bruno.paint("photo.jpg", "starry-night.jpg")
    assert caught.value.retry_after == 3600


@pytest.mark.parametrize("hint", ["header", "member"])
def test_retry_after_is_honored(
    connect: Connect, hint: str, scripted: Scripted, folder: Folder, pauses: list[float]
) -> None:
    more = {"retry_after": 7} if hint == "member" else {}
    headers = {"Retry_After": "7"} if hint == "header" else {}
    body = problem(503, "full", "full", **more)
    scripted.script = [says(503, "application/problem+json", body, **headers)]
    connect().paint("photo.jpg", "starry-night.jpg")
    (pause,) = pauses
    assert 7 <= pause <= 9


def test_refused_is_told_at_once(connect: Connect, folder: Folder) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(b.ConnectError, match="connection refused; is the server running"):
            connect(url).paint("photo.jpg", "starry-night.jpg")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "an address is like http"),
        ("127.0.0.1:8080", "an address is like http"),
        ("ftp://127.0.0.1", "an address is like http"),
        ("http://", "an address is like http"),
        ("http://no.invalid", "there is no such host"),
        ("http://a..b", "(an address is like http|there is no such host)"),
    ],
)
def test_urls_that_lead_nowhere(connect: Connect, url: str, words: str, folder: Folder) -> None:
    with pytest.raises(b.ConnectError, match=f"cannot be reached: {words}"):
        connect(url).paint("photo.jpg", "starry-night.jpg")


@pytest.mark.parametrize("begun", [False, True])
def test_silence_is_broken_off(
    connect: Connect, begun: bool, scripted: Scripted, folder: Folder
) -> None:
    def silent(reply: Reply) -> None:
        if begun:
            reply.start()
            reply.say(accepted(reply.received))
        reply.wait_for_the_client_to_leave()

    scripted.script = [silent]
    with pytest.raises(b.StreamBrokenError, match=r"sent nothing for 0\.2 seconds"):
        connect(timeout=(1, 0.2), retries=0).paint("photo.jpg", "starry-night.jpg")
    assert scripted.left.wait(2)


def test_a_server_that_hangs_up_on_a_large_request(
    connect: Connect, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bruno.protocol.servers.BODY_BYTES", 1 * 2**20)
    scripted.script = [Reply.hang_up]
    with pytest.raises(b.RequestTooLargeError, match="hung up .* must be at most 1 MiB") as caught:
        connect().paint(bytes(2**20), bytes(2**10))
    assert caught.value.code == "body_too_large"


def test_one_timeout_serves_for_both(connect: Connect, scripted: Scripted, folder: Folder) -> None:
    scripted.script = [Reply.wait_for_the_client_to_leave]
    with pytest.raises(b.StreamBrokenError, match=r"sent nothing for 0\.2 seconds"):
        connect(timeout=0.2, retries=0).paint("photo.jpg", "starry-night.jpg")


@pytest.mark.parametrize("timeout", [0, -1, (5, 0), (5, None), None, "5", (1, 2, 3), True])
def test_timeouts_that_are_none(connect: Connect, timeout: Any) -> None:
    with pytest.raises(b.InvalidInputError, match="^timeout must be .*, got "):
        connect(timeout=timeout)


@pytest.mark.parametrize("retries", [-1, 2.5, None, "5", True])
def test_retries_that_are_none(connect: Connect, retries: Any) -> None:
    with pytest.raises(b.InvalidInputError, match="^retries must be a whole number from 0, got "):
        connect(retries=retries)


def test_a_garbled_name_of_an_event_is_passed_over(
    bruno: Bruno, scripted: Scripted, folder: Folder
) -> None:
    scripted.script = [
        lambda reply: streams(b"event: \xff\ndata: {}\n\n", painting(reply.received))(reply)
    ]
    assert bruno.paint("photo.jpg", "starry-night.jpg").width == 64


@pytest.mark.parametrize("body", [b"[]", b"{}", b"7", b"{"])
def test_a_description_that_is_none(bruno: Bruno, scripted: Scripted, body: bytes) -> None:
    scripted.script = [says(200, "application/json", body)]
    with pytest.raises(b.UnexpectedResponseError, match="described itself"):
        bruno.health()


def every_kind(kind: type[b.BrunoError]) -> Iterator[type[b.BrunoError]]:
    yield kind
    for narrower in kind.__subclasses__():
        yield from every_kind(narrower)


@pytest.mark.parametrize("kind", list(every_kind(b.BrunoError)))
def test_errors_travel_between_processes(kind: type[b.BrunoError]) -> None:
    more = {"code": "full", "status": 503, "field": "size", "request_id": "r1"}
    error = kind("a reason", **more if issubclass(kind, b.StatusError) else {})
    if isinstance(error, b.ServerFullError):
        error.retry_after = 7.0
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own
        assert type(again) is kind
        assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))
