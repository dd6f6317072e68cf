"""What is shown while a painting forms: every event of the SDK makes the next picture of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from bruno.errors import AuthenticationError, BrunoError, ConnectError, ServerFullError
from bruno.events import Accepted, Event, Progress, Waiting
from bruno.painting import Painting
from bruno.studio.losses import Losses
from bruno.unfinished import SoFar, step_of

_ANNOUNCED_SHARE: Final = 0.25


@dataclass(frozen=True)
class ViewState:
    """The state of one painting on the page.

    `status` changes with every event; `announced` is what a screen reader says, and changes at
    milestones only. `share` is how much is done, from 0 to 1.
    """

    status: str = ""
    announced: str = ""
    share: float = 0.0
    trouble: bool = False
    so_far: SoFar = field(default_factory=SoFar, repr=False)
    losses: Losses = field(default_factory=Losses, repr=False)
    painting: Painting | None = field(default=None, repr=False)

    @property
    def canvas(self) -> bytes | None:
        """The newest preview."""
        return self.so_far.preview.data if self.so_far.preview else None

    @property
    def progress(self) -> Progress | None:
        """The newest losses and steps."""
        return self.so_far.progress

    def after(self, event: Event) -> ViewState:
        """What is shown after one more event."""
        now = replace(self, so_far=self.so_far.after(event))
        if isinstance(event, Waiting):
            return now.saying(_place(event.position))
        if isinstance(event, Accepted):
            return replace(now, painting=None).saying(_begun(event))
        if isinstance(event, Progress):
            return now._advanced(event)
        if isinstance(event, Painting):
            return replace(now, painting=event, share=1.0).saying(_finished(event))
        return now

    def saying(self, sentence: str, trouble: bool = False) -> ViewState:
        """The same with another sentence, read aloud too."""
        return replace(self, status=sentence, announced=sentence, trouble=trouble)

    def stopped(self) -> ViewState:
        """After the visitor stopped it."""
        if self.canvas is None:
            return self.saying("Stopped before there was a canvas to keep.")
        return self.saying(f"Stopped {self.so_far.where}; the canvas so far is kept as a try.")

    def failed(self, error: BrunoError) -> ViewState:
        """After it went wrong."""
        is_left = self.canvas and not self.painting
        kept = " The canvas so far is kept as a try." if is_left else ""
        return self.saying(sentence_of(error) + kept, trouble=True)

    def _advanced(self, progress: Progress) -> ViewState:
        quarter = int(progress.share / _ANNOUNCED_SHARE)
        announced = self.announced
        if quarter > int(self.share / _ANNOUNCED_SHARE):
            announced = f"{quarter * _ANNOUNCED_SHARE:.0%} painted"
        return replace(
            self,
            status=_advance(progress),
            announced=announced,
            trouble=False,
            share=progress.share,
            losses=self.losses.after(progress),
        )


def sentence_of(error: BrunoError) -> str:
    """What went wrong, and what to do about it, as the page says it."""
    said = str(error)
    if not said.startswith("http"):
        said = said[:1].upper() + said[1:]
    if isinstance(error, ConnectError):
        return f"{said} This page goes on by itself once it is."
    if isinstance(error, AuthenticationError):
        return f"{said}. Start the studio with --key-file or --token."
    if isinstance(error, ServerFullError):
        return f"{said}. Try again in a while."
    return said if said.endswith((".", "?")) else f"{said}."


def _place(position: int) -> str:
    if position == 1:
        return "In the queue: yours is next."
    return f"In the queue: {position - 1} before yours."


def _begun(accepted: Accepted) -> str:
    size = f"{accepted.width} × {accepted.height}"
    levels = len(accepted.levels)
    start = "Painting goes on" if accepted.resumed else "Painting"
    said = f"{start}: {size}, {levels} level{'s' if levels > 1 else ''}."
    return " ".join([said, *(_sentence(note) for note in accepted.adjusted)])


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(".") + "."


def _advance(progress: Progress) -> str:
    parts = [step_of(progress).capitalize()]
    if progress.levels > 1:
        parts.append(f"level {progress.level} of {progress.levels}")
    parts.append(f"{progress.width} × {progress.height}")
    if progress.eta is not None:
        parts.append(f"{_duration(progress.eta)} left")
    return " · ".join(parts)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def _finished(painting: Painting) -> str:
    record = painting.record
    size = f"{painting.width} × {painting.height}"
    said = f"Finished: {size}, {record['steps']} steps in {record['seconds']:.1f} s."
    if record.get("incomplete"):
        said = f"{said} It is incomplete: {record['incomplete']}."
    return said
