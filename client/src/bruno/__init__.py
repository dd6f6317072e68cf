"""Paint a photo in the style of any painting.

>>> from bruno import Bruno
>>> Bruno().paint("photo.jpg", "starry-night.jpg", beta=50).save("painting.png")

The way of a call: inputs become a request (`inputs`, `encoding`, `album`, `request`), the request
becomes events (`connection`, `sse`, `events`), broken connections are mended (`retries`,
`stream`) or left (`leaving`), and `client` puts it together. `errors` draws everything that can
go wrong.
"""

from bruno import styles
from bruno.batch import Batch, Failed, Finished, Task
from bruno.client import Bruno
from bruno.errors import (
    BadRequest,
    BrunoError,
    ConnectionFailed,
    Full,
    Interrupted,
    InvalidInput,
    NotAnImage,
    OutOfMemory,
    OutOfRange,
    ServerFailure,
    ServerProblem,
    StreamBroken,
    TooLarge,
    Unauthorized,
    UnexpectedAnswer,
)
from bruno.events import Accepted, Event, Preview, Progress, Waiting
from bruno.inputs import Picture
from bruno.options import OPTIONS, Options, Request
from bruno.painting import Painting, Record, read_record
from bruno.stream import Stream
from bruno.version import __version__

__all__ = [
    "OPTIONS",
    "Accepted",
    "BadRequest",
    "Batch",
    "Bruno",
    "BrunoError",
    "ConnectionFailed",
    "Event",
    "Failed",
    "Finished",
    "Full",
    "Interrupted",
    "InvalidInput",
    "NotAnImage",
    "Options",
    "OutOfMemory",
    "OutOfRange",
    "Painting",
    "Picture",
    "Preview",
    "Progress",
    "Record",
    "Request",
    "ServerFailure",
    "ServerProblem",
    "Stream",
    "StreamBroken",
    "Task",
    "TooLarge",
    "Unauthorized",
    "UnexpectedAnswer",
    "Waiting",
    "__version__",
    "read_record",
    "styles",
]
