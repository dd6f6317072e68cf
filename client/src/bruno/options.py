"""The options of a painting: one table for the signatures, their documentation and the flags.

The same as the server's own table, which a test compares; the defaults are the server's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    TypedDict,
    TypeVar,
    get_args,
    get_type_hints,
)

from bruno.inputs import Picture

Layers = Mapping[str, float] | Sequence[str] | str
Losses = Mapping[str, float] | Sequence[str] | str
Masks = Mapping[int, Picture] | Sequence[Picture]
Format = Literal["png", "png16", "jpeg", "webp", "tiff", "tiff16"]


class Option(NamedTuple):
    """What an option means, and what it may be; for numbers their bounds, or 0 beside them."""

    help: str
    allowed: str
    low: float | None = None
    high: float | None = None
    or_zero: bool = False

    def sentence(self) -> str:
        """Both, as a line of documentation."""
        return f"{self.help} {self.allowed[:1].upper()}{self.allowed[1:]}."


class Options(TypedDict, total=False):
    """The options of a painting; None, as leaving out, lets the server decide."""

    preset: Annotated[
        Literal["bruno", "neighbors", "strotss", "gatys", "draft", "fine"] | None,
        Option(
            "A named set of the options below; options given beside it win.",
            "one of bruno, neighbors, strotss, gatys, draft, fine",
        ),
    ]
    alpha: Annotated[
        float | None,
        Option("Weight of the content loss.", "from 0 to 1,000,000", low=0, high=1_000_000),
    ]
    beta: Annotated[
        float | None,
        Option("Weight of the style loss.", "from 0 to 1,000,000", low=0, high=1_000_000),
    ]
    content_layers: Annotated[
        Layers | None,
        Option("Where the content is compared.", "names of conv1_1 … relu5_4 with weights, or all"),
    ]
    style_layers: Annotated[
        Layers | None,
        Option("Where the style is compared.", "names of conv1_1 … relu5_4 with weights, or all"),
    ]
    size: Annotated[
        int | None,
        Option(
            "The painting's longest side in pixels.",
            "a whole number from 64 to 8,192",
            low=64,
            high=8192,
        ),
    ]
    steps: Annotated[
        int | None,
        Option(
            "Evaluations of loss and gradient over all levels; 0 lets a plateau decide.",
            "a whole number from 0 to 5,000",
            low=0,
            high=5000,
        ),
    ]
    levels: Annotated[
        int | None,
        Option(
            "Levels of the coarse-to-fine pyramid; 0 chooses, 1 turns it off.",
            "a whole number from 0 to 8",
            low=0,
            high=8,
        ),
    ]
    optimizer: Annotated[
        Literal["adam", "lbfgs"] | None, Option("How the canvas descends.", "one of adam, lbfgs")
    ]
    canvas_space: Annotated[
        Literal["pixels", "pyramid"] | None,
        Option(
            "What the optimizer moves: pixels, or the coefficients of a Laplacian pyramid.",
            "one of pixels, pyramid",
        ),
    ]
    learning_rate: Annotated[
        float | None,
        Option("Adam's step, in units of the color range.", "from 0.0001 to 1", low=0.0001, high=1),
    ]
    init: Annotated[
        Literal["content", "noise", "style", "image"] | None,
        Option("What the canvas starts from.", "one of content, noise, style, image"),
    ]
    init_noise: Annotated[
        float | None, Option("Share of noise mixed into the start.", "from 0 to 1", low=0, high=1)
    ]
    seed: Annotated[
        int | None,
        Option(
            "Seed of all that is random.",
            "a whole number from 0 to 4,294,967,295",
            low=0,
            high=4_294_967_295,
        ),
    ]
    content_loss: Annotated[
        Losses | None,
        Option(
            "How the photo is compared; losses are mixed by weights.",
            "names of l2, self_similarity, or several with weights",
        ),
    ]
    style_loss: Annotated[
        Losses | None,
        Option(
            "How two styles are compared; losses are mixed by weights.",
            "names of gram, wasserstein, sliced, neighbors, relaxed_transport, "
            "or several with weights",
        ),
    ]
    style_scale: Annotated[
        float | Sequence[float] | None,
        Option(
            "The style's longest side as a multiple of the canvas's.",
            "from 0.1 to 4, one number or one for each style",
            low=0.1,
            high=4,
        ),
    ]
    pooling: Annotated[
        Literal["max", "average"] | None, Option("How VGG-19 pools.", "one of max, average")
    ]
    seamless: Annotated[
        Literal["none", "x", "y", "both"] | None,
        Option(
            "Which sides meet without a seam: left and right (x), top and bottom (y), or both.",
            "one of none, x, y, both",
        ),
    ]
    tv: Annotated[
        float | None,
        Option("Weight of the total variation.", "from 0 to 1,000,000", low=0, high=1_000_000),
    ]
    color: Annotated[
        Literal["style", "luminance", "match", "guided"] | None,
        Option(
            "Colors of the style, of the photo (luminance), the style recolored first (match), or "
            "the photo's brought to the style's (guided).",
            "one of style, luminance, match, guided",
        ),
    ]
    color_strength: Annotated[
        float | None,
        Option("How much of the color treatment counts.", "from 0 to 1", low=0, high=1),
    ]
    averaging: Annotated[
        float | None,
        Option(
            "Exponential average of Adam's iterates; 0 for none.",
            "from 0 to 0.999",
            low=0,
            high=0.999,
        ),
    ]
    reproducible: Annotated[bool | None, Option("A private pass on CUDA.", "true or false")]
    max_seconds: Annotated[
        float | None,
        Option(
            "A deadline; the best canvas so far is the answer. 0 for none.",
            "from 0 to 86,400",
            low=0,
            high=86_400,
        ),
    ]
    format: Annotated[
        Format | None,
        Option(
            "The picture's file format; png16 and tiff16 keep 16 bits a channel.",
            "one of png, png16, jpeg, webp, tiff, tiff16",
        ),
    ]
    quality: Annotated[
        int | None,
        Option("Quality of JPEG and WebP.", "a whole number from 1 to 100", low=1, high=100),
    ]
    preview_every: Annotated[
        float | None,
        Option(
            "Seconds between previews.",
            "0 (none) or from 0.25 to 3,600",
            low=0.25,
            high=3600,
            or_zero=True,
        ),
    ]


class Request(Options, total=False):
    """The options, and what else a request may carry beside content and style."""

    style_weights: Annotated[
        Sequence[float] | None, Option("Weight of each style.", "one number for each style")
    ]
    masks: Annotated[
        Masks | None,
        Option("Where on the photo each style paints, white = 1.", "style numbers to pictures"),
    ]
    style_masks: Annotated[
        Masks | None,
        Option("Which part of each style counts, white = 1.", "style numbers to pictures"),
    ]
    content_mask: Annotated[
        Picture | None, Option("Where the content counts, white = 1.", "a picture")
    ]
    canvas: Annotated[
        Picture | None, Option("What the canvas starts from; makes init image.", "a picture")
    ]
    palette: Annotated[
        Picture | None, Option("A picture whose colors are taken, not the style's.", "a picture")
    ]
    resume: Annotated[
        Mapping[str, int] | None,
        Option("With a preview as canvas: where to go on.", "level and step of the preview"),
    ]


_HINTS: Final = get_type_hints(Request, include_extras=True)
REQUEST: Final[Mapping[str, Option]] = {name: get_args(hint)[1] for name, hint in _HINTS.items()}
"""Help and bounds of all that a request may carry beside content and style, by name."""

OPTIONS: Final[Mapping[str, Option]] = {
    name: option for name, option in REQUEST.items() if name in get_type_hints(Options)
}
"""Help and bounds of every option, by name."""

TYPES: Final[Mapping[str, tuple[Any, ...]]] = {
    name: get_args(get_args(_HINTS[name])[0])[:-1] for name in OPTIONS
}
"""The types that every option may have, None left out."""

Function = TypeVar("Function", bound=Callable[..., Any])


def with_options(function: Function) -> Function:
    """Spells `**options` out in the signature and the docstring of a public function."""
    signature = inspect.signature(function)
    before = list(signature.parameters.values())[:-1]
    named = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=get_args(hint)[0]
        )
        for name, hint in _HINTS.items()
    ]
    spelled = signature.replace(parameters=[*before, *named])
    function.__signature__ = spelled  # type: ignore[attr-defined]
    lines = (f"            {name}: {option.sentence()}" for name, option in REQUEST.items())
    head = "        The options, where None lets the server decide:\n"
    function.__doc__ = "\n".join([function.__doc__ or "", head, *lines, ""])
    return function
