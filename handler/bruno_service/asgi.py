"""The second adapter, an ASGI application, and the only file that knows ASGI and Starlette."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bruno_service import messages, metrics
from bruno_service.bodies import RECEIVED_BYTES, BodyReader, is_form
from bruno_service.process import drive, watch
from bruno_service.service import STOPPING, Service
from bruno_service.session import Session
from painter.device.faults import as_paint_error
from painter.errors import Full, PaintError

# Whoever is refused while it still sends is heard out for so long, lest it misses the answer.
LINGER_SECONDS: Final = 5.0
# Whoever reads nothing for so long has gone.
STALLED_SECONDS: Final = 60.0
PROGRESS_SECONDS: Final = 0.5
PIECE_BYTES: Final = 2**18


class Application:
    """Paints for whoever has the token, once `make` has made the service in a thread."""

    def __init__(self, make: Callable[[], Service], token: str) -> None:
        self._make, self._token = make, token
        self._sessions: set[Session] = set()
        self._received, self._statuses, self._changed = 0, Counter[int](), asyncio.Event()
        routes = [
            Route("/predictions/bruno", self._paint, methods=["POST"]),
            Route("/health", self._health),
            Route("/metrics", self._metrics),
        ]
        handlers: dict[Any, Any] = dict.fromkeys((PaintError, HTTPException, Exception), _refused)
        handlers[ClientDisconnect] = lambda _request, _error: Response()
        self._app = Starlette(routes=routes, exception_handlers=handlers, lifespan=self._lifespan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Names a request, looks at its token, and hears out whoever still sends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        name = request.state.id = str(uuid.uuid4())
        heard = not {"content-length", "transfer-encoding"} & set(request.headers)

        async def hear() -> Message:
            nonlocal heard
            message = await receive()
            heard = not message.get("more_body", False)
            return message

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._statuses[message["status"] // 100] += 1
                close = [] if heard else [(b"connection", b"close")]
                message["headers"] = [*message["headers"], (b"x-request-id", name.encode()), *close]
            elif not heard and not message.get("more_body", False):
                await send({**message, "more_body": True})
                with anyio.move_on_after(LINGER_SECONDS):
                    while not heard:
                        await hear()
                message = {"type": "http.response.body"}
            await send(message)

        is_known = messages.is_bearer(request.headers.get("authorization", ""), self._token)
        is_open = is_known or scope["path"] == "/health"
        answer: ASGIApp = self._app if is_open else _refused(request, messages.Unauthorized())
        await answer(scope, hear, tell)

    async def drain(self, seconds: float) -> None:
        """Lets what is painted end within its time, and sends all others away."""
        service = await self._starting
        await run_in_threadpool(service.drain)
        with anyio.move_on_after(seconds):
            while self._sessions:
                await self._changed.wait()
        await run_in_threadpool(service.interrupt, list(self._sessions), STOPPING)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        self._starting = asyncio.create_task(self._start())
        yield

    async def _start(self) -> Service:
        service = await run_in_threadpool(self._make)
        service.engine.ask(math.inf)
        watch(service, lambda: None)
        loop = asyncio.get_running_loop()
        wake = partial(loop.call_soon_threadsafe, self._wake)
        drive(service, PROGRESS_SECONDS, lambda: loop.is_closed() or wake())
        return service

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _paint(self, request: Request) -> ASGIApp:
        service = await asyncio.shield(self._starting)
        if is_form(request.headers):
            await run_in_threadpool(service.check_place)
        body = await self._receive(request)
        session = await run_in_threadpool(body.submit, service, request.state.id)
        return partial(self._answer, service, session)

    async def _receive(self, request: Request) -> BodyReader:
        """The body, whose limits count before any of it is read."""
        body = BodyReader(request.headers)
        if self._received + body.length > RECEIVED_BYTES:
            raise Full("the server receives as many bodies as it has room for", retry_after=1)
        self._received += body.length
        try:
            async with asyncio.timeout(body.seconds):
                async for piece in request.stream():
                    body.write(piece)
            return body
        except TimeoutError:
            raise messages.TooSlow("body_too_slow", "the body did not arrive in time") from None
        finally:
            self._received -= body.length

    async def _answer(
        self, service: Service, session: Session, _scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Ends with the answer, or with its client; who has gone is cancelled."""
        self._sessions.add(session)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_leave, receive, group.cancel_scope)
                await self._send(service, session, send)
                group.cancel_scope.cancel()
        finally:
            self._sessions.discard(session)
            # In a thread, since whoever holds the service's lock would hold up all others.
            asyncio.get_running_loop().run_in_executor(None, service.cancel, session)

    async def _send(self, service: Service, session: Session, send: Send) -> None:
        is_last = False
        while not is_last:
            await self._wait(session)
            piece = await run_in_threadpool(service.take, session, PIECE_BYTES)
            is_last = piece.last
            with anyio.move_on_after(STALLED_SECONDS) as stalled:
                if piece.first:
                    start = {"type": "http.response.start", "status": piece.status}
                    await send({**start, "headers": Headers(piece.headers).raw})
                part = {"body": piece.body, "more_body": not is_last}
                await send({"type": "http.response.body", **part})
            is_last |= stalled.cancelled_caught

    async def _wait(self, session: Session) -> None:
        """Until there is something to send; the head of a picture waits for its first byte."""
        now = asyncio.get_running_loop().time
        end = now() + PROGRESS_SECONDS
        while not session.pending and not session.ended:
            if session.events and session.decided and (now() >= end or not session.begun):
                return
            await self._changed.wait()

    async def _health(self, _request: Request) -> Response:
        health = self._starting.result().health if self._starting.done() else "warming"
        status = 200 if health in ("ready", "busy", "full") else 503
        return JSONResponse({"health": health}, status, {"Cache-Control": "no-store"})

    async def _metrics(self, _request: Request) -> Response:
        service = await asyncio.shield(self._starting)
        tally = await run_in_threadpool(service.tally)
        text = metrics.as_text(tally | metrics.answers(self._statuses))
        return Response(text, media_type=metrics.MEDIA_TYPE)


async def _leave(receive: Receive, scope: anyio.CancelScope) -> None:
    await receive()  # all of the request was heard: what comes now is that its client has gone
    scope.cancel()


def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        error = messages.not_served(error.status_code, request.method, request.url.path)
    return Response(*messages.problem_answer(as_paint_error(error), request.state.id))
