"""The client: where pictures go in and paintings come out."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final, Unpack

from bruno.album import Album
from bruno.batch import Batch, OnEvent, Task
from bruno.connection import Connection, Key, Timeout
from bruno.errors import (
    AuthenticationError,
    BrunoError,
    ConnectError,
    InvalidInputError,
    UnexpectedResponseError,
)
from bruno.inputs import Picture
from bruno.options import Request, with_options
from bruno.painting import Painting
from bruno.request import make_form
from bruno.stream import Stream

DEFAULT_URL: Final = "http://127.0.0.1:8080"
DEFAULT_TIMEOUT: Final = (5.0, 60.0)
DEFAULT_RETRIES: Final = 5
_POLL_SECONDS: Final = 0.5


class Bruno:
    """A Bruno server; made once, it may be used from many threads.

    `url`, `token` and `key_file` (TorchServe's key_file.json, read anew when its key is
    refused) default to BRUNO_URL, BRUNO_TOKEN and BRUNO_KEY_FILE. `timeout` is the seconds to
    connect and the seconds that may pass without a byte (the server speaks every 10); one number
    serves for both. A full server, a broken connection and an interrupted painting are tried
    again up to `retries` times in a row: a painting that got further is no failure, however often
    it breaks. Whatever goes wrong is a BrunoError; `bruno.errors` draws the tree.

    >>> from bruno import Bruno
    >>> Bruno(timeout=(2, 30)).health()
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
    ) -> None:
        url = url or os.environ.get("BRUNO_URL") or DEFAULT_URL
        if not token and not key_file:
            token = os.environ.get("BRUNO_TOKEN")
            key_file = os.environ.get("BRUNO_KEY_FILE")
        self.url = url
        self._connection = Connection(url, Key(token, key_file), timeout)
        self._retries = retries

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
        return self._open(Album([task], self._connection.timeout), task)

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
        styles = list(styles)
        tasks = [Task(content, style, options) for content in contents for style in styles]
        return self.run(tasks, at_once=at_once)

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
        if at_once < 1:
            raise InvalidInputError(f"at_once must be at least 1, got {at_once}")
        tasks = list(tasks)
        album = Album(tasks, self._connection.timeout)
        return Batch(partial(self._open, album), tasks, at_once, self._is_locked_out, on_event)

    def health(self) -> str:
        """One word: `ready`, `busy` (a place in the line is free) or `full`.

        >>> from bruno import Bruno
        >>> Bruno().health()
        'ready'
        """
        health: str = self.describe()["health"]
        return health

    def wait_ready(self, timeout: float = 300.0) -> None:
        """Waits until the server is ready to paint; raises ConnectError after `timeout` s.

        A key file that is not there yet is waited for; a token refused is told at once.

        >>> from bruno import Bruno
        >>> Bruno().wait_ready(timeout=10)
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.describe()
                return
            except AuthenticationError:
                raise
            except BrunoError as problem:
                if time.monotonic() + _POLL_SECONDS > deadline:
                    raise ConnectError(f"not ready after {timeout:g} s: {problem}") from None
            time.sleep(_POLL_SECONDS)

    def describe(self) -> dict[str, Any]:
        """What the server tells of itself: options, presets, limits, weights, versions, load.

        >>> from bruno import Bruno
        >>> Bruno().describe()["limits"]["styles"]
        8
        """
        json_type = "application/json"
        answer = self._connection.post(b'{"describe": true}', json_type, json_type)
        try:
            description: dict[str, Any] = json.loads(b"".join(self._connection.pieces(answer)))
            return {**description, "health": str(description["health"])}
        except (KeyError, TypeError, ValueError):
            raise UnexpectedResponseError(
                f"{self.url} described itself in other words than Bruno's"
            ) from None

    def _open(self, album: Album, task: Task) -> Stream:
        form = make_form(task.content, task.style, task.options, album.read)
        return Stream(self._connection, form, self._retries)

    def _is_locked_out(self) -> bool:
        """Whether the token is refused without any picture too, which costs no upload."""
        try:
            self.describe()
        except BrunoError as problem:
            return isinstance(problem, AuthenticationError)
        return False
