"""Checks settings and reads them from TOML, for the dataclasses in which a network declares them.

Their `__post_init__` calls the checks. Each error names the setting, its value and the expected value.
`number` and `positive` make the same check; their messages are worded for `se3unet` and for `steerable3d`.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

MOST = 2**31 - 1
"""Largest whole number of a setting: PyTorch takes no more for most of them."""

_LARGEST_NUMBER = 1e30
"""Largest number of a setting: float32 can hold it and its products with small numbers."""

_LARGEST_FILE = 2**20

_LONGEST_VALUE = 120


def read_toml(argument: str, path: Path) -> dict[str, Any]:
    """Reads a file in TOML.

    Args:
        argument: Name of the caller's argument, for messages, such as "settings".
        path: The file.

    Raises:
        ValueError: If the file is not TOML.
        OSError: If the file cannot be read.
    """
    if path.stat().st_size > _LARGEST_FILE:
        raise ValueError(f"{argument}: expected a file in TOML of at most {_LARGEST_FILE:,} bytes, got {path}")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits, and tables in tables
        raise ValueError(f"{argument}: expected a file in TOML, got {path} ({error})") from error


def build(kind: Any, name: str, settings: object) -> Any:
    """Builds a dataclass from a table.

    Args:
        kind: The dataclass.
        name: Name of the table, for messages.
        settings: The table; a key that it leaves out keeps its default.

    Raises:
        ValueError: If the settings are no table, a key is unknown or missing, or a value is out of range.
    """
    given = table(name, settings)
    known_keys(name, given, [field.name for field in fields(kind)])
    required = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
    missing = [key for key in required if key not in given]
    if missing:
        raise ValueError(f"{name}: expected the key {', '.join(missing)} too, got {', '.join(given) or 'none'}")
    return kind(**given)


def table(name: str, settings: object) -> Mapping[str, Any]:
    """Returns the settings if they are a table."""
    if not isinstance(settings, Mapping):
        raise ValueError(f"{name}: expected a table, got {shown(settings)}")
    return settings


def known_keys(name: str, settings: Mapping[str, Any], known: Collection[str]) -> None:
    """Rejects unknown keys."""
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise ValueError(f"{name}: expected keys among {', '.join(known)}, got {', '.join(map(shown, unknown))}")


def choice(name: str, value: object, choices: Collection[str]) -> None:
    """Rejects a value that is not one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(choices)}, got {shown(value)}")


def boolean(name: str, value: object) -> None:
    """Rejects a value that is not a boolean."""
    if not isinstance(value, bool):
        raise ValueError(f"{name}: expected true or false, got {shown(value)}")


def whole(name: str, value: object, least: int = 1, most: int = MOST) -> None:
    """Rejects a value that is not an integer from `least` to `most`."""
    if type(value) is not int or value < least:
        raise ValueError(f"{name}: expected a whole number, {least} or more, got {shown(value)}")
    if value > most:
        raise ValueError(f"{name}: expected a whole number of at most {most}, got {shown(value)}")


def is_number(value: object) -> bool:
    """True if the value is a number of a size that float32 can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST_NUMBER


def shown(value: object) -> str:
    """Returns the `repr` of a value, cut if it is long; integers of thousands of digits have no `repr`."""
    try:
        text = repr(value)
    except ValueError:
        text = f"a number of {math.floor(math.log10(abs(value))) + 1} digits" if isinstance(value, int) else "it"
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def number(name: str, value: Any, above: float | None = None, least: float = 0) -> None:
    """Rejects a value that is not a finite number above `above`; if `above` is None, of at least `least`."""
    bound = f"above {above}" if above is not None else f"of {least} or more"
    if not is_number(value) or (value <= above if above is not None else value < least):
        raise ValueError(f"{name}: expected a number {bound}, got {shown(value)}")


def positive(name: str, value: Any, kind: type, or_zero: bool = False) -> None:
    """Rejects a value that is not a finite number above 0, or of at least 0; `kind` is `int` or `float`."""
    right = type(value) is int if kind is int else is_number(value)
    if not right or value < 0 or (value == 0 and not or_zero) or (kind is int and value > MOST):
        expected = f"{'a number' if kind is float else 'a whole number'} {'from' if or_zero else 'above'} 0"
        expected += f" to {MOST}" if kind is int and right and value > MOST else ""
        raise ValueError(f"{name}: expected {expected}, got {shown(value)}")
