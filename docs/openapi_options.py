"""Every field and option of a request as JSON Schema, made from the engine's own table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bruno_service.parsing import STREAMS
from painter.network.layers import CONVOLUTIONS_PER_BLOCK, LAYER_NAMES
from painter.options.catalog import SPECS, STYLES_MOST, WEIGHT_MOST, Options
from painter.options.spec import Spec

Schema = dict[str, Any]

PICTURES: Final = {
    "content": "The photo: PNG, JPEG, WebP, TIFF, BMP or GIF (its first frame), 8 or 16 bit.",
    "style": "The painting; several are named style_1, style_2 and so on.",
    "content_mask": "Where on the photo the content counts, white = 1.",
    "canvas": "The picture to start from: init is image then, unless it is given.",
    "palette": "A picture whose colors are taken, not the style's.",
}
NUMBERED: Final = {
    "style": "Painting {i} of several.",
    "mask": "Where on the photo style {i} paints, white = 1.",
    "style_mask": "Which part of style {i} counts, white = 1.",
}
LAYER_PATTERN: Final = "(conv|relu)({})".format(
    "|".join(f"{b}_[1-{count}]" for b, count in enumerate(CONVOLUTIONS_PER_BLOCK, start=1))
)


_SCALE: Final = SPECS["style_scale"]


def ref(*path: str) -> Schema:
    """A reference to a schema of the document, or to a part of it."""
    return {"$ref": "/".join(("#/components/schemas", *path))}


def as_text(name: str) -> Schema:
    """A value of a schema, written as JSON where only text can be."""
    return {"type": "string", "contentMediaType": "application/json", "contentSchema": ref(name)}


def schemas() -> Schema:
    """The schemas of requests and of all options, by name."""
    styles = {"type": "array", "minItems": 1, "maxItems": STYLES_MOST, "items": _weight()}
    return {
        "PaintForm": {
            "description": "A painting to be made, as a form. The last of a name counts.",
            **_request(ref("File"), as_text("StyleWeights"), _form_option),
        },
        "PaintBody": {
            "description": "A painting to be made, as JSON. A member that is null is left out.",
            **_request(ref("Base64"), ref("StyleWeights"), _body_option),
        },
        "Options": {
            "description": "The options of a painting; whatever is left out, the preset decides.",
            "type": "object",
            "additionalProperties": False,
            "properties": {name: _option(name, spec) for name, spec in SPECS.items()},
        },
        "ResolvedOptions": {
            "description": "The options that a painting is made with: every one of them.",
            "type": "object",
            "additionalProperties": False,
            "required": list(SPECS),
            "properties": {name: _resolved(name, spec) for name, spec in SPECS.items()},
        },
        "Scale": {"type": "number", "minimum": _SCALE.low, "maximum": _SCALE.high},
        "StyleWeights": {"description": "One weight for each style, not all 0.", **styles},
        "Place": _place(),
        "LayerName": {
            "description": "A layer of VGG-19: conv before the ReLU, relu after it.",
            "enum": list(LAYER_NAMES),
        },
        "LayerWeights": _layer_weights(),
        "Layers": _layers(),
        "LayersText": _layers_text(),
        "File": _file(),
        "Base64": {"type": "string", "contentEncoding": "base64"},
    }


def _request(picture: Schema, numbers: Schema, option: Callable[[str], Schema]) -> Schema:
    """A request whose pictures, lists of numbers and options are written in one of the two ways."""
    described = dict(PICTURES)
    for kind, sentence in NUMBERED.items():
        described |= {f"{kind}_{i}": sentence.format(i=i) for i in range(1, STYLES_MOST + 1)}
    others = {
        "style_weights": numbers,
        "resume": ref("Place"),
        "options": ref("Options"),
        "stream": {
            "description": "The picture alone, or events that end with it.",
            "enum": list(STREAMS),
            "default": STREAMS[0],
        },
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["content"],
        "oneOf": [{"required": ["style"]}, {"required": ["style_1"]}],
        "dependentRequired": _dependencies(),
        "properties": {
            **{name: {"description": text, **picture} for name, text in described.items()},
            **others,
            **{name: option(name) for name in SPECS},
        },
    }


def _body_option(name: str) -> Schema:
    return ref("Options", "properties", name)


def _form_option(name: str) -> Schema:
    if SPECS[name].kind == "layers":
        return ref("LayersText")
    if SPECS[name].kind == "losses":
        return _losses_text(SPECS[name])
    return ref("Scale") if SPECS[name].kind == "scales" else _body_option(name)


def _dependencies() -> dict[str, list[str]]:
    """Styles are numbered without a gap, masks are for styles that are there."""
    numbers = range(2, STYLES_MOST + 1)
    return {
        **{f"style_{i}": [f"style_{i - 1}"] for i in numbers},
        **{f"{kind}_{i}": [f"style_{i}"] for kind in ("mask", "style_mask") for i in numbers},
        "resume": ["canvas"],
    }


def _option(name: str, spec: Spec) -> Schema:
    shape = ref("Layers") if spec.kind == "layers" else _value(spec)
    if spec.kind == "losses":
        shape = _losses(spec)
    return {"description": spec.help, "default": Options().as_json()[name], **shape}


def _resolved(name: str, spec: Spec) -> Schema:
    if spec.kind == "losses":
        return _loss_weights(spec)
    return ref("LayerWeights") if spec.kind == "layers" else ref("Options", "properties", name)


def _value(spec: Spec) -> Schema:
    if spec.kind == "choice":
        return {"type": "string", "enum": list(spec.choices)}
    if spec.kind == "flag":
        return {"type": "boolean"}
    bounds = {"minimum": spec.low, "maximum": spec.high}
    if spec.kind == "scales":
        many = {"type": "array", "minItems": 1, "maxItems": STYLES_MOST, "items": ref("Scale")}
        return {"anyOf": [ref("Scale"), many]}
    if spec.zero and spec.low:
        zero = {"const": 0, "description": spec.zero.capitalize() + "."}
        return {"type": spec.kind, "anyOf": [zero, bounds]}
    return {"type": spec.kind, **bounds}


def _file() -> Schema:
    # JSON Schema has no format of this name; by it tools know to offer a file.
    return {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}


def _weight() -> Schema:
    return {"type": "number", "minimum": 0, "maximum": WEIGHT_MOST}


def _place() -> Schema:
    return {
        "description": "Where to go on with the preview in canvas: its level and its step.",
        "type": "object",
        "additionalProperties": False,
        "required": ["level", "step"],
        "properties": {
            "level": {"type": "integer", "minimum": 1},
            "step": {"type": "integer", "minimum": 0},
        },
    }


def _layer_weights() -> Schema:
    return {
        "description": "Weights of layers by their names, not all 0.",
        "type": "object",
        "minProperties": 1,
        "propertyNames": ref("LayerName"),
        "additionalProperties": _weight(),
    }


def _layers() -> Schema:
    names = {"type": "array", "minItems": 1, "items": ref("LayerName")}
    same = {"description": "Layers of equal weight.", **names}
    return {"anyOf": [ref("LayerWeights"), same, ref("LayersText")]}


def _losses(spec: Spec) -> Schema:
    names = {"type": "array", "minItems": 1, "items": {"enum": list(spec.choices)}}
    same = {"description": "Losses of equal weight, which share 1.", **names}
    return {"anyOf": [_loss_weights(spec), same, _losses_text(spec)]}


def _loss_weights(spec: Spec) -> Schema:
    return {
        "description": "Weights of losses by their names, not all 0.",
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"enum": list(spec.choices)},
        "additionalProperties": _weight(),
    }


def _losses_text(spec: Spec) -> Schema:
    return {
        "description": "Losses as a person types them.",
        "type": "string",
        "pattern": f"^({_named('({})'.format('|'.join(spec.choices)))})$",
        "examples": [spec.choices[0], ",".join(f"{name}:1" for name in spec.choices[:2])],
    }


def _named(pattern: str) -> str:
    """A pattern for names, all of them with weights or none."""
    weighted = f"{pattern}:[0-9]{{1,6}}(\\.[0-9]+)?"
    return "|".join(f"{one}(,{one})*" for one in (pattern, weighted))


def _layers_text() -> Schema:
    return {
        "description": "Layers as a person types them.",
        "type": "string",
        "pattern": f"^(all|{_named(LAYER_PATTERN)})$",
        "examples": ["all", "conv1_1,conv2_1", "conv1_1:16,conv2_1:8"],
    }
