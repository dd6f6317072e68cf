"""The client: where pictures go in and paintings come out."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final, Literal, Unpack

import requests

from bruno.album import Album, KeptPictures
from bruno.batch import Batch, OnEvent
from bruno.closing import Closing
from bruno.connection import Connection
from bruno.errors import AuthenticationError, BrunoError, ConnectError
from bruno.inputs import Picture
from bruno.live import Live
from bruno.options import Request, with_options
from bruno.painting import Painting
from bruno.protocol import states
from bruno.protocol.course import Course
from bruno.protocol.exchange import (
    DEFAULT_PATIENCE,
    DEFAULT_RETRIES,
    DEFAULT_TIMEOUT,
    DESCRIBE,
    Server,
    Timeout,
)
from bruno.protocol.live_state import LiveState
from bruno.protocol.request import Read, make_form
from bruno.protocol.servers import HEALTH, PING
from bruno.records import Description
from bruno.stream import Stream
from bruno.tasks import Task, checked_at_once, tasks_of

POLL_SECONDS: Final = 0.5


class Bruno(Closing):
    """A Bruno server; made once, it may be used from many threads.

    `url`, `token` and `key_file` (TorchServe's key_file.json, read anew when its key is
    refused) default to BRUNO_URL, BRUNO_TOKEN and BRUNO_KEY_FILE. `timeout` is the seconds to
    connect and the seconds that may pass without a byte (the server speaks every 10); one number
    serves for both. A server that is full, or away for a while, is waited for `patience` seconds.
    A broken connection and an interrupted painting are tried again up to `retries` times in a row:
    a painting that got further is no failure, however often it breaks. The logger "bruno" tells
    every further try as a warning. Whatever goes wrong is a BrunoError; `bruno.errors` draws the
    tree.

    `session` is a requests.Session of your own, for proxies, certificates or adapters; all
    threads share it, and it stays open. Streams over it are left at their next byte where its
    adapters are not Bruno's. Pictures behind URLs are fetched without it.

    >>> from bruno import Bruno
    >>> with Bruno(timeout=(2, 30)) as bruno:
    ...     bruno.health()
    'ready'
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        key_file: str | os.PathLike[str] | None = None,
        timeout: Timeout = DEFAULT_TIMEOUT,
        retries: int = DEFAULT_RETRIES,
        patience: float = DEFAULT_PATIENCE,
        session: requests.Session | None = None,
    ) -> None:
        self._server = Server(url, token, key_file, timeout, retries, patience)
        self._connection = Connection(self._server, session)

    @property
    def url(self) -> str:
        """The server's address, as it was given."""
        return self._server.given_url

    def close(self) -> None:
        """Closes the connections that are kept open; nothing can be asked for afterwards.

        Streams and batches under way go on to their end: `close` or `cancel` them.

        >>> from bruno import Bruno
        >>> bruno = Bruno()
        >>> bruno.close()
        >>> bruno.health()
        Traceback (most recent call last):
        bruno.errors.BrunoError: the client is closed
        """
        self._connection.close()

    @with_options
    def paint(
        self,
        content: Picture,
        style: Picture | Sequence[Picture],
        **options: Unpack[Request],
    ) -> Painting:
        """Paints `content` in the style of `style`, or of up to 8 styles in a list.

        Pictures are paths, http(s) URLs, bytes, binary files, PIL images or numpy arrays; an
        open file is read from where it stands.
        Raises InvalidInputError, or what the server said; never returns half a painting.

        >>> from bruno import Bruno
        >>> painting = Bruno().paint("photo.jpg", "starry-night.jpg", size=64, beta=50)
        >>> painting.save("painting.png")
        """
        return self.stream(content, style, **options).painting()

    @with_options
    def stream(
        self,
        content: Picture,
        style: Picture | Sequence[Picture],
        **options: Unpack[Request],
    ) -> Stream:
        """Paints, and tells how it forms: Waiting, Accepted, Progress, Preview, Painting.

        Leaving the loop or the `with` closes the connection, which cancels the job; `cancel()`
        does so from another thread.

        >>> from bruno import Bruno, Painting, Progress
        >>> for event in Bruno().stream("photo.jpg", "starry-night.jpg"):
        ...     if isinstance(event, Progress):
        ...         print(event.step, "of", event.steps, event.total_loss)
        ...     elif isinstance(event, Painting):
        ...         event.save("painting.png")
        25 of 100 0.75
        50 of 100 0.5
        75 of 100 0.25
        100 of 100 0.0
        """
        task = Task(content, style, options)
        return self._open(Album([task], self._server.timeout).read, task)

    @with_options
    def live(
        self,
        content: Picture,
        style: Picture | Sequence[Picture],
        **options: Unpack[Request],
    ) -> Live:
        """Paints, and lets options change while the canvas goes on: `change` does it.

        Each change ends the painting that runs, and starts the next from its last canvas. Pictures
        are read once, when they are first painted.

        >>> from bruno import Bruno, Preview
        >>> with Bruno().live("photo.jpg", "starry-night.jpg", beta=5) as live:
        ...     first = next(event for event in live if isinstance(event, Preview))
        ...     live.change(beta=50)
        ...     live.painting().record["options"]["beta"]
        50
        """
        pictures = KeptPictures(self._server.timeout)
        return Live(partial(self._open, pictures.read), LiveState(content, style, options))

    @with_options
    def batch(
        self,
        contents: Iterable[Picture],
        styles: Iterable[Picture],
        *,
        at_once: int = 2,
        **options: Unpack[Request],
    ) -> Batch:
        """Paints every content in every style, `at_once` at a time, in the order they finish.

        Failures do not stop it; they are kept in `failures` of what it returns. A URL, an image
        or an open file is read once, whatever it is used for; open files right here.

        >>> from bruno import Bruno
        >>> for finished in Bruno().batch(["photo.jpg"], ["starry-night.jpg"], size=64):
        ...     finished.painting.save("photo-as-starry-night.png")
        """
        return self.run(tasks_of(contents, styles, options), at_once=at_once)

    def run(
        self, tasks: Iterable[Task], *, at_once: int = 2, on_event: OnEvent | None = None
    ) -> Batch:
        """Paints tasks that differ in more than content and style; else as `batch`.

        `on_event` is told every event with its task, from the thread that paints it.

        >>> from bruno import Bruno, Task
        >>> tasks = [Task("photo.jpg", "starry-night.jpg", {"beta": beta}) for beta in (5, 50)]
        >>> sorted(done.painting.record["options"]["beta"] for done in Bruno().run(tasks))
        [5, 50]
        """
        tasks = list(tasks)
        album = Album(tasks, self._server.timeout)
        open_stream, most = partial(self._open, album.read), checked_at_once(at_once)
        return Batch(open_stream, tasks, most, self._is_locked_out, on_event)

    def health(self) -> Literal["ready", "busy", "full", "draining", "broken"]:
        """One word: `ready`, `busy` (a place in the queue is free), `full`, `draining` or `broken`.

        >>> from bruno import Bruno
        >>> Bruno().health()
        'ready'
        """
        return self.describe()["health"]

    def state(self) -> states.State:
        """As `health`, and also of a server that cannot describe itself: `warming` or `broken`.

        >>> from bruno import Bruno
        >>> Bruno().state()
        'ready'
        """
        state = states.from_health(*self._connection.look(HEALTH))
        if state:
            return state
        try:
            return self.health()
        except BrunoError as problem:
            state = states.from_problem(problem)
        return state or states.from_ping(self._connection.look(PING)[0])

    def wait_ready(self, timeout: float = 300.0) -> None:
        """Waits until the server is ready to paint; raises ConnectError after `timeout` s.

        A key file that is not there yet is waited for; a token refused is told at once.

        >>> from bruno import Bruno
        >>> Bruno().wait_ready(timeout=10)
        """
        deadline = time.monotonic() + timeout
        while True:
            left = max(POLL_SECONDS, deadline - time.monotonic())
            try:
                self._described(self._connection.within(left))
                return
            except AuthenticationError:
                raise
            except BrunoError as problem:
                if time.monotonic() + POLL_SECONDS > deadline:
                    raise ConnectError(f"not ready after {timeout:g} s: {problem}") from None
            time.sleep(POLL_SECONDS)

    def describe(self) -> Description:
        """What the server tells of itself: options, presets, limits, weights, versions, load.

        >>> from bruno import Bruno
        >>> Bruno().describe()["limits"]["styles"]
        8
        """
        return self._described(self._connection)

    def _described(self, connection: Connection) -> Description:
        answer = connection.post(DESCRIBE)
        return self._server.described(b"".join(connection.pieces(answer)))

    def _open(self, read: Read, task: Task) -> Stream:
        form = make_form(task.content, task.style, task.options, read)
        return Stream(self._connection, Course(self._server.url, form, self._server.retries()))

    def _is_locked_out(self) -> bool:
        """Whether the token is refused without any picture too, which costs no upload."""
        try:
            self.describe()
        except BrunoError as problem:
            return isinstance(problem, AuthenticationError)
        return False
