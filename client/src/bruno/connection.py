"""What goes over the network to the server, by requests."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from copy import copy
from http import HTTPStatus
from weakref import WeakSet

import requests
from requests.auth import AuthBase
from urllib3.exceptions import ProtocolError

from bruno.cancellation import Call, CancellableAdapter
from bruno.errors import AuthenticationError, BrunoError
from bruno.network import NOT_SENT, PIECE_BYTES, USER_AGENT, reason_of
from bruno.protocol.exchange import Outgoing, Server, authorization


class _NoAuth(AuthBase):
    """Leaves the headers as they are; as an explicit `auth` it keeps requests from .netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request, unchanged."""
        return request


class Connection:
    """Sends requests from any thread; a refused key is read anew once.

    A session that was given serves all threads, and is left open; without one each thread has
    its own, which `close` closes.
    """

    def __init__(self, server: Server, session: requests.Session | None = None) -> None:
        self.server = server
        self._given = session
        self._local = threading.local()
        self._lock = threading.Lock()
        self._made: WeakSet[requests.Session] = WeakSet()
        self._closed = False

    def post(self, outgoing: Outgoing, call: Call | None = None) -> requests.Response:
        """The answer to a POST, with status 200 and the media type asked for, its body unread.

        Another thread may leave it by its `call`. Raises ConnectError, StreamBrokenError,
        UnexpectedResponseError or what the server said.
        """
        token = self.server.key.token()
        with call.made_here() if call else nullcontext():
            try:
                answer = self._answer(outgoing, token)
            except AuthenticationError:
                if not (renewed := self.server.key.renewed(token)):
                    raise
                answer = self._answer(outgoing, renewed)
        try:
            self.server.check_type(outgoing, answer.headers)
        except BrunoError:
            answer.close()
            raise
        return answer

    def look(self, path: str) -> tuple[int, bytes]:
        """The status and the body of what is at a path beside the paintings.

        Raises ConnectError or StreamBrokenError.
        """
        token = self.server.key.token()
        session = self._session()
        try:
            answer = session.get(
                self.server.url + path,
                headers=authorization(token),
                auth=_NoAuth(),
                timeout=self.server.timeout,
                stream=True,
                allow_redirects=False,
            )
        except requests.ReadTimeout:
            raise self.server.silent() from None
        except NOT_SENT as error:
            raise self.server.unreachable(reason_of(error)) from None
        return answer.status_code, b"".join(self.pieces(answer))

    def pieces(self, answer: requests.Response) -> Iterator[bytes]:
        """The body as it arrives; raises StreamBrokenError where it breaks or goes silent."""
        try:
            yield from answer.iter_content(PIECE_BYTES)
        except requests.RequestException as error:
            is_silence = isinstance(error, requests.ReadTimeout) or "timed out" in str(error)
            raise (self.server.silent() if is_silence else self.server.broken()) from None
        finally:
            answer.close()

    def within(self, seconds: float) -> Connection:
        """The same over the same sessions, which gives up after so many seconds without a byte."""
        hurried = copy(self)
        hurried.server = self.server.within(seconds)
        return hurried

    def close(self) -> None:
        """Closes the sessions that were made here; nothing can be sent afterwards."""
        with self._lock:
            self._closed = True
            made = list(self._made)
        for session in made:
            session.close()

    def _answer(self, outgoing: Outgoing, token: str | None) -> requests.Response:
        session = self._session()
        # A session that was given may know better where no token is known.
        auth = None if self._given and not token else _NoAuth()
        try:
            answer = session.post(
                self.server.address,
                # As a file it goes out in blocks, and each has the time that all of it would.
                data=io.BytesIO(outgoing.body),
                headers=outgoing.headers(token),
                auth=auth,
                timeout=self.server.timeout,
                stream=True,
                allow_redirects=False,
            )
        except NOT_SENT as error:
            raise self._failure(error, outgoing) from None
        if answer.status_code == HTTPStatus.OK:
            return answer
        body = b"".join(self.pieces(answer))
        raise self.server.refusal(answer.status_code, answer.headers, body)

    def _session(self) -> requests.Session:
        if self._closed:
            raise BrunoError("the client is closed")
        if self._given:
            return self._given
        if not hasattr(self._local, "session"):
            self._local.session = _new_session()
            with self._lock:
                self._made.add(self._local.session)
        session: requests.Session = self._local.session
        return session

    def _failure(self, error: Exception, outgoing: Outgoing) -> BrunoError:
        if isinstance(error, requests.ReadTimeout):
            return self.server.silent()
        cause = error.args[0] if error.args else None
        if isinstance(cause, ProtocolError):
            is_silence = "timed out" in str(error)
            return self.server.silent() if is_silence else self.server.hung_up(outgoing)
        return self.server.unreachable(reason_of(error))


def _new_session() -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = USER_AGENT
    for scheme in ("http://", "https://"):
        session.mount(scheme, CancellableAdapter())
    return session
