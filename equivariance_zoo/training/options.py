"""Options of the command line for the settings of a training: `--training.rate 1e-3`, or `--rate 1e-3` if it is clear.

The command `train` of a network calls it. The options are those of the fields that are declared by `fields.setting`.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from typing import Any

from equivariance_zoo.training.cli import parse_integer, parse_path
from equivariance_zoo.training.fields import Bounds, base_of, declared, tables_of

STOPPED = "stopped; train --resume goes on behind the last whole epoch"
"""Message for a user who has pressed Ctrl-C."""

_PREFIX = "setting."


def add_training(parser: argparse.ArgumentParser, kind: type) -> None:
    """Adds the options that all trainings have, and those of the settings; see `add_settings`.

    They are `output` (a path), `resume` and `quiet`. Declare the other options of the parser first.
    """
    add = parser.add_argument
    add("--output", type=parse_path, required=True, metavar="DIR", help="folder of the weights, the state and the logs")
    add("--resume", action="store_true", help="go on with the training in the output folder")
    add("--quiet", action="store_true", help="no progress bar")
    add_settings(parser, kind)


def add_settings(parser: argparse.ArgumentParser, kind: type) -> None:
    """Adds an option for each declared setting, to a group of its own.

    A setting of a table has two names: `--table.key`, and `--key` if no other setting and no option has this name.
    Underscores become hyphens.
    Declare the other options of the parser first.

    Args:
        parser: The parser.
        kind: Dataclass of the settings; dataclasses in it are tables.
    """
    found = list(_leaves(kind))
    count = Counter(name for _, name, _, _ in found)
    group = parser.add_argument_group("settings", "in place of those of the file")
    for path, name, base, bounds in found:
        key = ".".join([*path, name])
        names, short = [f"--{key.replace('_', '-')}"], f"--{name.replace('_', '-')}"
        if path and count[name] == 1 and short not in parser._option_string_actions:
            names.insert(0, short)
        about: dict[str, Any] = {"dest": _PREFIX + key, "default": argparse.SUPPRESS}
        if base is bool:
            group.add_argument(*names, action=argparse.BooleanOptionalAction, **about)
        else:
            read = parse_integer if base is int else base
            group.add_argument(*names, type=read, metavar="|".join(bounds.choices) or base.__name__.upper(), **about)


def given_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the settings that were given as options, as tables; see `fields.merged`."""
    found: dict[str, Any] = {}
    for key, value in vars(options).items():
        if key.startswith(_PREFIX):
            *path, name = key.removeprefix(_PREFIX).split(".")
            place = found
            for step in path:
                place = place.setdefault(step, {})
            place[name] = value
    return found


def _leaves(kind: type, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str, type, Bounds]]:
    """Yields table, name, type and bounds of the declared settings."""
    for name, hint, bounds in declared(kind):
        yield path, name, base_of(hint), bounds
    for name, inner in tables_of(kind).items():
        yield from _leaves(inner, (*path, name))
