"""The client for asyncio: where pictures go in and paintings come out."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, Unpack

from bruno.aio.batch import AsyncBatch
from bruno.aio.live import AsyncLive
from bruno.aio.stream import AsyncStream
from bruno.album import Album, KeptPictures
from bruno.batch import OnEvent
from bruno.client import POLL_SECONDS
from bruno.closing import AsyncClosing
from bruno.errors import AuthenticationError, BrunoError, ConnectError
from bruno.inputs import Picture
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
from bruno.tasks import Task, checked_at_once, tasks_of

if TYPE_CHECKING:
    import httpx2


class AsyncBruno(AsyncClosing):
    """A Bruno server, for asyncio: the verbs of `Bruno`, and all that is said there holds here.

    It needs httpx2 (`pip install './client[async]'` in a clone), and belongs to one event loop;
    many tasks may use it. Pictures are read in threads beside the loop. `session` is an
    httpx2.AsyncClient of your own, which stays open.

    >>> import asyncio
    >>> from bruno import AsyncBruno
    >>> async def main():
    ...     async with AsyncBruno() as bruno:
    ...         painting = await bruno.paint("photo.jpg", "starry-night.jpg", beta=50)
    ...         painting.save("painting.png")
    >>> asyncio.run(main())
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
        session: httpx2.AsyncClient | None = None,
    ) -> None:
        try:
            from bruno.aio.connection import AsyncConnection
        except ModuleNotFoundError as missing:
            if missing.name != "httpx2":
                raise
            raise ModuleNotFoundError(
                "AsyncBruno needs httpx2: pip install './client[async]' in a clone of Bruno",
                name="httpx2",
            ) from None
        self._server = Server(url, token, key_file, timeout, retries, patience)
        self._connection = AsyncConnection(self._server, session)

    @property
    def url(self) -> str:
        """The server's address, as it was given."""
        return self._server.given_url

    async def aclose(self) -> None:
        """Closes the connections that are kept open; nothing can be asked for afterwards.

        Streams and batches under way go on to their end: `aclose` or `cancel` them.

        >>> import asyncio
        >>> from bruno import AsyncBruno
        >>> async def main():
        ...     bruno = AsyncBruno()
        ...     print(await bruno.health())
        ...     await bruno.aclose()
        >>> asyncio.run(main())
        ready
        """
        await self._connection.close()

    @with_options
    async def paint(
        self,
        content: Picture,
        style: Picture | Sequence[Picture],
        **options: Unpack[Request],
    ) -> Painting:
        """Paints `content` in the style of `style`, as `Bruno.paint` does.

        >>> import asyncio
        >>> from bruno import AsyncBruno
        >>> async def main():
        ...     async with AsyncBruno() as bruno:
        ...         both = (bruno.paint("photo.jpg", "starry-night.jpg", beta=b) for b in (5, 50))
        ...         return await asyncio.gather(*both)
        >>> [painting.record["options"]["beta"] for painting in asyncio.run(main())]
        [5, 50]
        """
        return await self.stream(content, style, **options).painting()

    @with_options
    def stream(
        self,
        content: Picture,
        style: Picture | Sequence[Picture],
        **options: Unpack[Request],
    ) -> AsyncStream:
        """Paints, and tells how it forms, as `Bruno.stream` does.

        >>> import asyncio
        >>> from bruno import AsyncBruno, Progress
        >>> async def main():
        ...     async with AsyncBruno() as bruno:
        ...         async for event in bruno.stream("photo.jpg", "starry-night.jpg"):
        ...             if isinstance(event, Progress):
        ...                 print(event.step, "of", event.steps)
        >>> asyncio.run(main())
        25 of 100
        50 of 100
        75 of 100
        100 of 100
        """
        task = Task(content, style, options)
        return self._open(Album([task], self._server.timeout).read, task)

    @with_options
    def live(
        self,
        content: Picture,
        style: Picture | Sequence[Picture],
        **options: Unpack[Request],
    ) -> AsyncLive:
        """Paints, and lets options change while the canvas goes on, as `Bruno.live` does.

        >>> import asyncio
        >>> from bruno import AsyncBruno
        >>> async def main():
        ...     async with AsyncBruno() as bruno:
        ...         async with bruno.live("photo.jpg", "starry-night.jpg", beta=5) as live:
        ...             await anext(live)
        ...             live.change(beta=50)
        ...             painting = await live.painting()
        ...             print(painting.record["options"]["beta"])
        >>> asyncio.run(main())
        50
        """
        pictures = KeptPictures(self._server.timeout)
        return AsyncLive(partial(self._open, pictures.read), LiveState(content, style, options))

    @with_options
    def batch(
        self,
        contents: Iterable[Picture],
        styles: Iterable[Picture],
        *,
        at_once: int = 2,
        **options: Unpack[Request],
    ) -> AsyncBatch:
        """Paints every content in every style, as `Bruno.batch` does.

        >>> import asyncio
        >>> from bruno import AsyncBruno
        >>> async def main():
        ...     async with AsyncBruno() as bruno:
        ...         async for finished in bruno.batch(["photo.jpg"], ["starry-night.jpg"]):
        ...             finished.painting.save("photo-as-starry-night.png")
        >>> asyncio.run(main())
        """
        return self.run(tasks_of(contents, styles, options), at_once=at_once)

    def run(
        self, tasks: Iterable[Task], *, at_once: int = 2, on_event: OnEvent | None = None
    ) -> AsyncBatch:
        """Paints tasks that differ in more than content and style, as `Bruno.run` does.

        >>> import asyncio
        >>> from bruno import AsyncBruno, Task
        >>> async def main():
        ...     tasks = [Task("photo.jpg", "starry-night.jpg", {"beta": beta}) for beta in (5, 50)]
        ...     async with AsyncBruno() as bruno:
        ...         return [finished.task.options["beta"] async for finished in bruno.run(tasks)]
        >>> sorted(asyncio.run(main()))
        [5, 50]
        """
        tasks = list(tasks)
        album = Album(tasks, self._server.timeout)
        open_stream, most = partial(self._open, album.read), checked_at_once(at_once)
        return AsyncBatch(open_stream, tasks, most, self._is_locked_out, on_event)

    async def health(self) -> Literal["ready", "busy", "full", "draining", "broken"]:
        """One word: `ready`, `busy` (a place in the queue is free), `full`, `draining` or `broken`.

        >>> import asyncio
        >>> from bruno import AsyncBruno
        >>> async def main():
        ...     async with AsyncBruno() as bruno:
        ...         print(await bruno.health())
        >>> asyncio.run(main())
        ready
        """
        return (await self.describe())["health"]

    async def state(self) -> states.State:
        """As `health`, and also of a server that cannot describe itself, as `Bruno.state` does.

        >>> import asyncio
        >>> from bruno import AsyncBruno
        >>> async def main():
        ...     async with AsyncBruno() as bruno:
        ...         print(await bruno.state())
        >>> asyncio.run(main())
        ready
        """
        state = states.from_health(*await self._connection.look(HEALTH))
        if state:
            return state
        try:
            return await self.health()
        except BrunoError as problem:
            state = states.from_problem(problem)
        return state or states.from_ping((await self._connection.look(PING))[0])

    async def wait_ready(self, timeout: float = 300.0) -> None:
        """Waits until the server is ready to paint, as `Bruno.wait_ready` does.

        >>> import asyncio
        >>> from bruno import AsyncBruno
        >>> async def main():
        ...     async with AsyncBruno() as bruno:
        ...         await bruno.wait_ready(timeout=10)
        >>> asyncio.run(main())
        """
        deadline = time.monotonic() + timeout
        while True:
            left = max(POLL_SECONDS, deadline - time.monotonic())
            try:
                async with asyncio.timeout(left):
                    await self.describe()
                return
            except AuthenticationError:
                raise
            except (BrunoError, TimeoutError) as error:
                problem = error if isinstance(error, BrunoError) else self._server.silent(left)
                if time.monotonic() + POLL_SECONDS > deadline:
                    raise ConnectError(f"not ready after {timeout:g} s: {problem}") from None
            await asyncio.sleep(POLL_SECONDS)

    async def describe(self) -> Description:
        """What the server tells of itself, as `Bruno.describe` does.

        >>> import asyncio
        >>> from bruno import AsyncBruno
        >>> async def main():
        ...     async with AsyncBruno() as bruno:
        ...         print((await bruno.describe())["limits"]["styles"])
        >>> asyncio.run(main())
        8
        """
        async with self._connection.post(DESCRIBE) as pieces:
            return self._server.described(b"".join([piece async for piece in pieces]))

    def _open(self, read: Read, task: Task) -> AsyncStream:
        async def begin() -> Course:
            parts = task.content, task.style, task.options, read
            form = await asyncio.to_thread(make_form, *parts)
            return Course(self._server.url, form, self._server.retries())

        return AsyncStream(self._connection, begin)

    async def _is_locked_out(self) -> bool:
        """Whether the token is refused without any picture too, which costs no upload."""
        try:
            await self.describe()
        except BrunoError as problem:
            return isinstance(problem, AuthenticationError)
        return False
