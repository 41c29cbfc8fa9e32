"""Turns the text of the command line's options into objects.

`run` calls these functions. Each error names the option. The options themselves are declared in `main`.
"""

from __future__ import annotations

import argparse
import math

import torch

from equivariance.errors import ArgumentError, ChoiceError
from equivariance.progress import Observer
from equivariance.settings import Settings

_DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}


_MOST_DIGITS = 18


def settings_of(options: argparse.Namespace, observer: Observer) -> Settings:
    """Returns the settings of the diagnosis that the options ask for.

    Args:
        options: The parsed options, as text.
        observer: Receives the progress of the diagnosis.

    Raises:
        ArgumentError: If a number has a bad value.
        ChoiceError: If the dtype is unknown.
    """
    return Settings(
        samples=_int("samples", options.samples, 1),
        seed=_int("seed", options.seed, 0),
        dtype=None if options.dtype is None else _DTYPES[choose("dtype", options.dtype, list(_DTYPES))],
        max_translation=None if options.max_translation is None else _float("max-translation", options.max_translation),
        layers=options.layer,
        jobs=_int("jobs", options.jobs, 1),
        memory=_float("memory", options.memory, zero=True),
        time_limit=None if options.time_limit is None else _float("time-limit", options.time_limit),
        observer=observer,
    )


def choose(name: str, value: str, choices: list[str]) -> str:
    """Returns `value`.

    Raises:
        ChoiceError: If `value` is not one of `choices`.
    """
    if value not in choices:
        raise ChoiceError(name, value, choices)
    return value


def device_of(name: str) -> torch.device:
    """Returns the device of a name.

    Raises:
        ChoiceError: If this machine has no device of this name; the message lists the devices.
    """
    available = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ChoiceError("device", name, available) from error
    if device.type != "cpu" and (device.type != "cuda" or (device.index or 0) >= torch.cuda.device_count()):
        raise ChoiceError("device", name, available)
    return device


def _int(name: str, value: str, least: int) -> int:
    if not value.isdecimal() or len(value) > _MOST_DIGITS or int(value) < least:
        raise ArgumentError(name, value, f"a whole number of at least {least}, of at most {_MOST_DIGITS} digits")
    return int(value)


def _float(name: str, value: str, zero: bool = False) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and (number > 0 or (zero and number == 0))):
        raise ArgumentError(name, value, "a finite number, 0 or more" if zero else "a positive finite number")
    return number
