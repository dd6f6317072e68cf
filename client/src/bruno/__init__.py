"""Paint a photo in the style of any painting.

>>> from bruno import Bruno
>>> Bruno().paint("photo.jpg", "starry-night.jpg", beta=50).save("painting.png")

The way of a call: inputs become a request (`inputs`, `encoding`, `album`, `protocol`), it goes over
the network (`connection`), its answer becomes events (`protocol`, `events`), broken connections are
mended (`stream`) or canceled (`cancellation`), and `client` puts it together. `batch` paints many
`tasks`, `live` goes on when options change. `errors` draws everything that can go wrong.
"""

from bruno import errors, styles
from bruno.aio.batch import AsyncBatch
from bruno.aio.client import AsyncBruno
from bruno.aio.live import AsyncLive
from bruno.aio.stream import AsyncStream
from bruno.batch import Batch
from bruno.client import Bruno
from bruno.errors import (
    AuthenticationError,
    BadRequestError,
    BrunoError,
    ConnectError,
    InternalServerError,
    InvalidInputError,
    NotAnImageError,
    OutOfMemoryError,
    OutOfRangeError,
    RequestTooLargeError,
    ServerFullError,
    StatusError,
    StreamBrokenError,
    UnexpectedResponseError,
    WorkerRestartedError,
)
from bruno.events import Accepted, Event, Preview, Progress, Waiting
from bruno.inputs import Picture
from bruno.live import Live
from bruno.options import OPTIONS, Options, Request
from bruno.painting import Painting, read_record
from bruno.records import Description, Record
from bruno.stream import Stream
from bruno.tasks import Failed, Finished, Task
from bruno.version import __version__

__all__ = [
    "OPTIONS",
    "Accepted",
    "AsyncBatch",
    "AsyncBruno",
    "AsyncLive",
    "AsyncStream",
    "BadRequestError",
    "Batch",
    "Bruno",
    "BrunoError",
    "ConnectError",
    "Description",
    "Event",
    "Failed",
    "Finished",
    "ServerFullError",
    "WorkerRestartedError",
    "InvalidInputError",
    "Live",
    "NotAnImageError",
    "Options",
    "OutOfMemoryError",
    "OutOfRangeError",
    "Painting",
    "Picture",
    "Preview",
    "Progress",
    "Record",
    "Request",
    "InternalServerError",
    "StatusError",
    "Stream",
    "StreamBrokenError",
    "Task",
    "RequestTooLargeError",
    "AuthenticationError",
    "UnexpectedResponseError",
    "Waiting",
    "__version__",
    "read_record",
    "styles",
]


def __getattr__(name: str) -> type[BrunoError]:
    """An error by its name of version 0.1, with a warning."""
    if name not in errors.OLD_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return errors.renamed(name)
