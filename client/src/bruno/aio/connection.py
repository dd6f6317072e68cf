"""What goes over the network to the server, by httpx2."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

import httpx2

from bruno.errors import AuthenticationError, BrunoError, InvalidInputError
from bruno.network import PIECE_BYTES, USER_AGENT, reason_of
from bruno.protocol.exchange import Outgoing, Server, authorization

_UNREACHED: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.InvalidURL,
    httpx2.LocalProtocolError,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


class AsyncConnection:
    """Sends requests from one event loop; a refused key is read anew once.

    A session that was given is left open.
    """

    def __init__(self, server: Server, session: httpx2.AsyncClient | None) -> None:
        if session is not None and not isinstance(session, httpx2.AsyncClient):
            kind = f"{type(session).__module__}.{type(session).__name__}"
            raise InvalidInputError(f"session must be an httpx2.AsyncClient, got {kind}")
        self.server = server
        self._given = session is not None
        self._session = session or httpx2.AsyncClient(
            headers={"User-Agent": USER_AGENT}, limits=httpx2.Limits(max_connections=None)
        )
        connect, silence = server.timeout
        self._timeout = httpx2.Timeout(silence, connect=connect, pool=None)
        self._closed = False
        self._under_way = 0

    @asynccontextmanager
    async def post(self, outgoing: Outgoing) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """The body of the answer to a POST, with status 200 and the media type asked for.

        Raises ConnectError, StreamBrokenError, UnexpectedResponseError or what the server said.
        """
        async with self._kept_open():
            answer = await self._allowed(outgoing)
            try:
                self.server.check_type(outgoing, answer.headers)
                yield self._pieces(answer)
            finally:
                await answer.aclose()

    async def look(self, path: str) -> tuple[int, bytes]:
        """The status and the body of what is at a path beside the paintings.

        Raises ConnectError or StreamBrokenError.
        """
        headers = authorization(self.server.key.token())
        try:
            async with self._kept_open():
                answer = await self._session.get(
                    self.server.url + path,
                    headers=headers,
                    auth=None,
                    timeout=self._timeout,
                    follow_redirects=False,
                )
        except (httpx2.ReadTimeout, httpx2.WriteTimeout):
            raise self.server.silent() from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self.server.unreachable(reason_of(error)) from None
        return answer.status_code, answer.content

    async def close(self) -> None:
        """Closes the session, unless it was given, after what is under way; no more can be sent."""
        self._closed = True
        await self._let_go()

    @asynccontextmanager
    async def _kept_open(self) -> AsyncIterator[None]:
        """While this lasts, the session stays open: to close one ends all its answers."""
        if self._closed:
            raise BrunoError("the client is closed")
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            await self._let_go()

    async def _let_go(self) -> None:
        if self._closed and not self._under_way and not self._given:
            await self._session.aclose()

    async def _allowed(self, outgoing: Outgoing) -> httpx2.Response:
        token = self.server.key.token()
        try:
            return await self._answer(outgoing, token)
        except AuthenticationError:
            if not (renewed := self.server.key.renewed(token)):
                raise
            return await self._answer(outgoing, renewed)

    async def _answer(self, outgoing: Outgoing, token: str | None) -> httpx2.Response:
        length = {"Content-Length": str(len(outgoing.body))}
        try:
            request = self._session.build_request(
                "POST",
                self.server.address,
                # In blocks each has the time that all of it would.
                content=_blocks(outgoing.body),
                headers=outgoing.headers(token) | length,
                timeout=self._timeout,
            )
            # A session that was given may know better where no token is known.
            auth = httpx2.USE_CLIENT_DEFAULT if self._given and not token else None
            answer = await self._session.send(
                request, stream=True, auth=auth, follow_redirects=False
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._failure(error, outgoing) from None
        if answer.status_code == HTTPStatus.OK:
            return answer
        try:
            body = b"".join([piece async for piece in self._pieces(answer)])
        finally:
            await answer.aclose()
        raise self.server.refusal(answer.status_code, answer.headers, body)

    async def _pieces(self, answer: httpx2.Response) -> AsyncGenerator[bytes, None]:
        try:
            async for piece in answer.aiter_bytes():
                yield piece
        except httpx2.TimeoutException:
            raise self.server.silent() from None
        except httpx2.HTTPError:
            raise self.server.broken() from None

    def _failure(self, error: Exception, outgoing: Outgoing) -> BrunoError:
        if isinstance(error, _UNREACHED):
            return self.server.unreachable(reason_of(error))
        is_silence = isinstance(error, httpx2.TimeoutException)
        return self.server.silent() if is_silence else self.server.hung_up(outgoing)


async def _blocks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PIECE_BYTES):
        yield body[start : start + PIECE_BYTES]
