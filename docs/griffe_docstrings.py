"""How the reference reads docstrings, where the code says it in a way of its own."""

from __future__ import annotations

import ast
import re
from typing import Any, Final

from griffe import Attribute, Docstring, Extension, Object
from griffe import ExprCall as Call
from griffe import ExprSubscript as Subscript
from griffe import ExprTuple as Items

# From a line that begins with >>> to the next empty one.
_DOCTEST: Final = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)


class Docstrings(Extension):
    """Fences doctests, and reads the help of an option out of its annotation."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """To Markdown alone, `>>>` is a quote in a quote."""
        if obj.docstring:
            obj.docstring.value = _DOCTEST.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)

    def on_attribute(self, *, attr: Attribute, **_: Any) -> None:
        """An option's help and bounds are its docstring, its type alone the annotation."""
        match attr.annotation:
            case Subscript(slice=Items(elements=[kind, Call(arguments=[help, allowed])])):
                words = [ast.literal_eval(str(part)) for part in (help, allowed)]
                attr.docstring = Docstring(f"{words[0]} Allowed: {words[1]}.", parent=attr)
                attr.annotation = kind
            case _:
                pass
