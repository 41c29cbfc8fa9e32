"""Subjects: a network with example inputs, contracts and claims, found by name or by `module:factory`.

A package offers a subject by an entry point in the group `equivariance.subjects`; its value is a factory without
required arguments that returns a `Subject`. The built-in networks take this road too.
"""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import torch

from equivariance.cause_catalogue import CAUSES
from equivariance.contracts.contract import Contract
from equivariance.errors import ArgumentError, ChoiceError
from equivariance.findings import Finding, Outcome
from equivariance.groups.named import SYMMETRIES, groups_of

ENTRY_POINTS = "equivariance.subjects"
BUILT_IN = ("published", "se3unet")
"""The pair that is shown when no subject is asked for."""


@dataclass(frozen=True, order=True)
class RegisteredFinding:
    """A finding, or a note, that a subject is registered with: diagnosed again, it must be there, and no other."""

    layer: str
    symmetry: str
    cause: str

    def __post_init__(self) -> None:
        """Only symmetries and causes that exist."""
        if self.symmetry not in (*SYMMETRIES, "none"):
            raise ChoiceError("symmetry", self.symmetry, (*SYMMETRIES, "none"))
        if self.cause not in CAUSES:
            raise ChoiceError("cause", self.cause, CAUSES)


@dataclass(frozen=True)
class Subject:
    """What a factory returns.

    Attributes:
        name: Short name, as in reports
        module: The network
        args: Positional example inputs; use generic ones, a real cloud of more than a few points
        irreps_in, irreps_out: Representations as for `equivariance.diagnose`
        claims: Group names that the network claims; others are measured and shown as not claimed
        contracts: Layer path or glob -> contract
        registered: Findings that the network is registered with
        stages: Label -> layer paths, in order, for reports that put networks side by side
        description: One sentence
        load: Reads a checkpoint file into the module; None for a state dict
    """

    name: str
    module: torch.nn.Module
    args: tuple[Any, ...]
    irreps_in: object
    irreps_out: object
    claims: tuple[str, ...] = ("se3", "permutation", "batch")
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    registered: tuple[RegisteredFinding, ...] = ()
    stages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    description: str = ""
    load: Callable[[torch.nn.Module, Path], None] | None = None

    def __post_init__(self) -> None:
        """Reject what no examination can use."""
        if not isinstance(self.module, torch.nn.Module):
            raise ArgumentError("module", self.module, "a torch.nn.Module")
        groups_of(self.claims)
        for known in self.registered:
            if not isinstance(known, RegisteredFinding):
                raise ArgumentError("known", known, "findings as Known(layer, symmetry, cause)")


def registered() -> dict[str, Any]:
    """Entry points of installed packages, by name."""
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def load_subject(spec: str) -> Subject:
    """The subject behind a registered name or `module:factory`.

    Raises:
        ChoiceError: No such name; the message lists the registered ones
        ArgumentError: The module or the factory cannot be had, or does not return a `Subject`
    """
    if ":" in spec:
        factory = _imported(spec)
    else:
        points = registered()
        if spec not in points:
            raise ChoiceError("subject", spec, [*points, "module:factory"])
        factory = points[spec].load()
    try:
        subject = factory()
    except (ArgumentError, ImportError):
        raise
    except (Exception, SystemExit) as error:
        raise ArgumentError("subject", spec, f"a factory that runs without arguments ({_told(error)})") from error
    if not isinstance(subject, Subject):
        returned = type(subject).__name__
        raise ArgumentError("subject", spec, f"a factory that returns equivariance.subject.Subject, not {returned}")
    return subject


def load_checkpoint(subject: Subject, path: Path) -> None:
    """Read weights from a file: by the subject's own reader, else a state dict (.safetensors, or .pt of tensors only).

    Raises:
        ArgumentError: No such file, or no weights of this network in it
    """
    if not path.is_file():
        raise ArgumentError("checkpoint", str(path), "an existing file")
    try:
        if subject.load is not None:
            subject.load(subject.module, path)
        else:
            subject.module.load_state_dict(_state_dict(path))
    except ArgumentError:
        raise
    except pickle.UnpicklingError as error:
        expected = f"weights of {subject.name}, as torch.save writes a state dict: tensors and nothing else"
        raise ArgumentError("checkpoint", str(path), expected) from error
    except Exception as error:
        raise ArgumentError("checkpoint", str(path), f"weights of {subject.name} ({_told(error)})") from error


def as_registered(subject: Subject, report: Outcome) -> tuple[list[RegisteredFinding], list[RegisteredFinding]]:
    """What was found beyond the registered findings, and what of them was missed; ties on rounding do not count."""
    found = {_known(f) for f in report.findings}
    expected = set(subject.registered)
    return sorted(found - expected), sorted(expected - found)


def _known(finding: Finding) -> RegisteredFinding:
    return RegisteredFinding(finding.layer, finding.symmetry, finding.cause)


def _imported(spec: str) -> Callable[[], Any]:
    name, _, attribute = spec.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        factory: Callable[[], Any] = getattr(importlib.import_module(name), attribute)
    except (Exception, SystemExit) as error:
        raise ArgumentError("subject", spec, f"module:factory that can be imported ({_told(error)})") from error
    return factory


def _told(error: BaseException) -> str:
    """The first line of an error, and the second where the first only announces it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    text = " ".join(lines[: 2 if lines[0].endswith(":") else 1])
    return f"{type(error).__name__}: {text if len(text) <= 300 else text[:297] + '...'}"


def _state_dict(path: Path) -> dict[str, torch.Tensor]:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    loaded = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(loaded, dict):
        raise ArgumentError("checkpoint", str(path), f"a state dict, not {type(loaded).__name__}")
    return loaded.get("state_dict", loaded)
