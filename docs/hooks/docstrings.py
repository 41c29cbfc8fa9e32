"""Reads the docstrings of `equivariance` as they are written.

Their sections are underlined as numpydoc's, with the description on the line of the name (``size : number of nodes``),
which numpydoc takes for a type. And roles of Sphinx (``:class:`Contract` ``) are code here.
"""

import re
from typing import Any

from griffe import Extension, GriffeLoader, Object

_SECTION = re.compile(r"^(Parameters|Attributes|Raises|Returns)\n-+\n((?:.+\n?)+)", re.MULTILINE)
_ENTRY = re.compile(r"^(\S.*?) : (.+(?:\n[ ]+.+)*)$", re.MULTILINE)
_ROLE = re.compile(r":[a-z]+:`~?([^`]+)`")


class Docstrings(Extension):
    """Rewrites each docstring before it is parsed."""

    def on_object(self, *, obj: Object, loader: GriffeLoader, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = _ROLE.sub(r"`\1`", _SECTION.sub(_section, obj.docstring.value))


def _section(match: re.Match[str]) -> str:
    name, body = match[1], match[2]
    return f"{name}\n{'-' * len(name)}\n" + _ENTRY.sub(_entries, body)


def _entries(match: re.Match[str]) -> str:
    """An entry for each of the names that share a description."""
    return "\n".join(f"{name}\n    {match[2]}" for name in match[1].split(", "))
