"""Declares the bounds of settings on the fields of their dataclass, checks them, and builds settings of tables.

A network declares `rate: float = setting(1e-3, above=0)` and calls `check_fields(self)` in `__post_init__`. `options`
makes options of the command line of the same fields. Checks of one value are in `settings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from equivariance_zoo.training.settings import MOST, boolean, build, choice, known_keys, number, shown, table, whole

_BOUNDS = "bounds"


@dataclass(frozen=True)
class Bounds:
    """Values that a setting may have.

    Attributes:
        least: Least value; None for 1 of whole numbers and 0 of others.
        most: Largest value of a whole number.
        above: Number that the value must exceed; it replaces `least`.
        below: Number that the value must not reach.
        choices: Values of a text.
    """

    least: float | None = None
    most: int = MOST
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()


def setting(
    default: Any = MISSING,
    *,
    least: float | None = None,
    most: int = MOST,
    above: float | None = None,
    below: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Returns a field of a dataclass with its bounds.

    Args:
        default: Default of the setting; without one, the setting must be given.
        least: Least value. Without it, a whole number is at least 1 and another number at least 0.
        most: Largest value of a whole number.
        above: Number that the value must exceed.
        below: Number that the value must not reach.
        choices: Values of a text.
    """
    return field(default=default, metadata={_BOUNDS: Bounds(least, most, above, below, choices)})


def check_fields(settings: Any) -> None:
    """Checks the fields of a dataclass that were declared by `setting`.

    Raises:
        ValueError: If a value is of another type or out of its bounds. The message names the setting, its value and the
            expected value.
    """
    for name, kind, bounds in declared(type(settings)):
        value = getattr(settings, name)
        if value is not None or NoneType not in get_args(kind):
            _check(name, value, base_of(kind), bounds)


def declared(kind: type) -> list[tuple[str, Any, Bounds]]:
    """Returns name, type and bounds of the fields of a dataclass that were declared by `setting`."""
    hints = get_type_hints(kind)
    return [(f.name, hints[f.name], f.metadata[_BOUNDS]) for f in fields(kind) if _BOUNDS in f.metadata]


def tables_of(kind: type) -> dict[str, type]:
    """Returns the fields of a dataclass that are dataclasses themselves, by name."""
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind) if is_dataclass(hints[f.name])}


def base_of(kind: Any) -> Any:
    """Returns the type of a field without None; the type of its choices for a `Literal`."""
    if get_origin(kind) is Literal:
        return type(get_args(kind)[0])
    kinds = [one for one in get_args(kind) if one is not NoneType]
    return kinds[0] if kinds else kind


def from_tables(kind: Any, name: str, settings: object) -> Any:
    """Builds a dataclass of dataclasses from tables, such as those of a file in TOML or of `dataclasses.asdict`.

    A table whose dataclass has a method `from_dict` is built by it.

    Args:
        kind: The dataclass.
        name: Name of the table, for messages.
        settings: The table; a key that it leaves out keeps its default.

    Raises:
        ValueError: If the settings are no table, a key is unknown or missing, or a value is out of range.
    """
    given = dict(table(name, settings))
    known_keys(name, given, [f.name for f in fields(kind)])
    for key, inner in tables_of(kind).items():
        if key in given:
            rest = table(key, given[key])
            own = getattr(inner, "from_dict", None)
            given[key] = own(rest) if own else from_tables(inner, key, rest)
    return build(kind, name, given)


def merged(settings: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns tables with the values of others in place of their own, table by table.

    Raises:
        ValueError: If one of the tables is no table in `settings`.
    """
    found = dict(settings)
    for key, value in given.items():
        found[key] = merged(table(key, found.get(key, {})), value) if isinstance(value, Mapping) else value
    return found


def _check(name: str, value: Any, kind: Any, bounds: Bounds) -> None:
    if bounds.choices:
        choice(name, value, bounds.choices)
    elif kind is bool:
        boolean(name, value)
    elif kind is int:
        whole(name, value, 1 if bounds.least is None else int(bounds.least), bounds.most)
    elif kind is float:
        number(name, value, bounds.above, bounds.least or 0)
    elif not isinstance(value, str):
        raise ValueError(f"{name}: expected a text, got {shown(value)}")
    if bounds.below is not None and value >= bounds.below:
        raise ValueError(f"{name}: expected a number below {bounds.below:g}, got {value!r}")
