"""What may stand in a `with` statement, which closes it at its end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """Closed by `with`."""

    @abstractmethod
    def close(self) -> None:
        """Ends what goes on, and lets go of what is held."""

    def __enter__(self) -> Self:
        """The same object."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes it."""
        self.close()


class AsyncClosing(ABC):
    """Closed by `async with`."""

    @abstractmethod
    async def aclose(self) -> None:
        """Ends what goes on, and lets go of what is held."""

    async def __aenter__(self) -> Self:
        """The same object."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes it."""
        await self.aclose()
