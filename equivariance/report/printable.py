"""Makes the names and sentences of an outcome printable, before a format lays them out.

`text` and `sarif` call it. Places in source stay as they are, because they are compared with their files: the formats
make them printable when they write them.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from equivariance._printable import printable
from equivariance.findings import Finding, LayerRow, Outcome, SymmetryVerdict

T = TypeVar("T", bound=Outcome)

_OPENED = (Outcome, Finding, LayerRow, SymmetryVerdict)


def printable_outcome(outcome: T) -> T:
    """Returns the outcome with printable text everywhere but in its places in source."""
    made: T = _printable(outcome)
    return made


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(map(_printable, value))
    if isinstance(value, dict):
        return {_printable(key): _printable(entry) for key, entry in value.items()}
    if isinstance(value, _OPENED) and is_dataclass(value):
        return replace(value, **{f.name: _printable(getattr(value, f.name)) for f in fields(value)})
    return value
