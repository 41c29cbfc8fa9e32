"""Subjects: networks with example inputs, contracts and claims, found by name or by `module:factory`.

A package offers a subject by an entry point in the group `equivariance.subjects`. Its value is a factory without
required arguments that returns a `Subject`. The built-in networks use the same entry points.

Called by the command line and by the tests of registered findings. The module examines no network.
"""

from __future__ import annotations

import importlib
import itertools
import pickle
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import torch

from equivariance.cause_catalogue import CAUSES
from equivariance.contracts.contract import Contract
from equivariance.contracts.spec import Spec
from equivariance.errors import ArgumentError, ChoiceError
from equivariance.findings import Finding, Outcome
from equivariance.groups.named import SYMMETRIES, groups_of

__all__ = ["RegisteredFinding", "Subject", "as_registered", "load_checkpoint", "load_subject", "registered"]

ENTRY_POINTS = "equivariance.subjects"
BUILT_IN = ("published", "se3unet")
"""The pair of subjects that is shown by default."""


@dataclass(frozen=True, order=True)
class RegisteredFinding:
    """A finding or note with which a subject is registered. A new diagnosis must give all registered findings and no
    other.

    Attributes:
        layer: Path of the layer.
        symmetry: The symmetry, or "none".
        cause: One of `equivariance.cause_catalogue.CAUSES`.

    Raises:
        ChoiceError: If the symmetry or the cause does not exist.
    """

    layer: str
    symmetry: str
    cause: str

    def __post_init__(self) -> None:
        """Rejects symmetries and causes that do not exist."""
        if self.symmetry not in (*SYMMETRIES, "none"):
            raise ChoiceError("symmetry", self.symmetry, (*SYMMETRIES, "none"))
        if self.cause not in CAUSES:
            raise ChoiceError("cause", self.cause, CAUSES)


@dataclass(frozen=True)
class Subject:
    """A network to be examined, as a factory returns it.

    Attributes:
        name: Short name for reports.
        module: The network.
        args: Positional example inputs. Use generic ones: a real cloud of more than a few points.
        irreps_in, irreps_out: Representations as for `equivariance.diagnose`.
        claims: Names of the groups that the network claims. Other groups are measured and shown as not claimed.
            "lattice" is a claim if the inputs have lattice vectors.
        contracts: Contracts by layer path or glob.
        registered: Findings with which the network is registered.
        stages: Layer paths by label, in order, for reports that compare networks.
        description: One sentence.
        load: Reads a checkpoint file into the module. None reads a state dict.

    Raises:
        ArgumentError: If `module` is no module, or `registered` contains another type.
        ChoiceError: If `claims` contains a name that is no group.
    """

    name: str
    module: torch.nn.Module
    args: tuple[Any, ...]
    irreps_in: Spec
    irreps_out: Spec
    claims: tuple[str, ...] = ("se3", "permutation", "batch", "lattice")
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    registered: tuple[RegisteredFinding, ...] = ()
    stages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    description: str = ""
    load: Callable[[torch.nn.Module, Path], None] | None = None

    def __post_init__(self) -> None:
        """Rejects values that cannot be examined."""
        if not isinstance(self.module, torch.nn.Module):
            raise ArgumentError("module", self.module, "a torch.nn.Module")
        if not isinstance(self.name, str):
            raise ArgumentError("name", self.name, "the name of the network, as text")
        groups_of(self.claims)
        for entry in self.registered:
            if not isinstance(entry, RegisteredFinding):
                raise ArgumentError("registered", entry, "a RegisteredFinding(layer, symmetry, cause)")


def registered() -> dict[str, Any]:
    """Returns the entry points of installed packages, by name."""
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def load_subject(spec: str) -> Subject:
    """Returns the subject of a registered name or of `module:factory`.

    Args:
        spec: The name, or `module:factory`; the module is also searched in the current folder.

    Raises:
        ChoiceError: If no subject has this name; the message lists the registered names.
        ArgumentError: If the module or the factory cannot be loaded, or does not return a `Subject`.
    """
    if ":" in spec:
        factory = _import_factory(spec)
    else:
        points = registered()
        if spec not in points:
            raise ChoiceError("subject", spec, [*points, "module:factory"])
        factory = points[spec].load()
    try:
        subject = factory()
    except (ArgumentError, ImportError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise ArgumentError(
            "subject", spec, f"a factory that runs without arguments ({_describe_error(error)})"
        ) from error
    if not isinstance(subject, Subject):
        returned = type(subject).__name__
        raise ArgumentError("subject", spec, f"a factory that returns equivariance.subject.Subject, not {returned}")
    return subject


def load_checkpoint(subject: Subject, path: Path) -> None:
    """Reads weights from a file into the module of a subject.

    Args:
        subject: The subject; its own reader is used if it has one.
        path: A .safetensors file, or a .pt file of tensors only, unless the subject has a reader.

    Raises:
        ArgumentError: If the file does not exist, or does not contain weights of this network.
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
        raise ArgumentError("checkpoint", str(path), f"weights of {subject.name} ({_describe_error(error)})") from error


def as_registered(subject: Subject, report: Outcome) -> tuple[list[RegisteredFinding], list[RegisteredFinding]]:
    """Compares a report with the registered findings of its subject; notes, for example ties, do not count.

    A finding stands for each of its layers under each of its symmetries. Its cause is that of the first layer and the
    first symmetry; the causes of the others are not compared.

    Args:
        subject: The subject.
        report: The outcome of its diagnosis.

    Returns:
        The findings that are not registered, and the registered findings that are missing.
    """
    found = [entry for finding in report.findings for entry in _register(finding)]
    expected, firsts = set(subject.registered), {_register(f)[0] for f in report.findings}
    known, shown = {_place(e) for e in expected}, {_place(e) for e in found} - {_place(e) for e in firsts}
    unknown = {e for e in found if e not in expected and (e in firsts or _place(e) not in known)}
    return sorted(unknown), sorted(e for e in expected - firsts if _place(e) not in shown)


def _register(finding: Finding) -> list[RegisteredFinding]:
    """Returns a finding as registered ones: one for each layer and symmetry, the one with its own cause first."""
    pairs = itertools.product(finding.layers, finding.symmetries)
    return [RegisteredFinding(layer, symmetry, finding.cause) for layer, symmetry in pairs]


def _place(entry: RegisteredFinding) -> tuple[str, str]:
    return entry.layer, entry.symmetry


def _import_factory(spec: str) -> Callable[[], Any]:
    """Imports a factory."""
    name, _, attribute = spec.partition(":")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        factory: Callable[[], Any] = getattr(importlib.import_module(name), attribute)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise ArgumentError(
            "subject", spec, f"module:factory that can be imported ({_describe_error(error)})"
        ) from error
    return factory


def _describe_error(error: BaseException) -> str:
    """Returns the type of an error with the first line of its message, and the second line if the
    first ends in a colon.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    text = " ".join(lines[: 2 if lines[0].endswith(":") else 1])
    return f"{type(error).__name__}: {text if len(text) <= 300 else text[:297] + '...'}"


def _state_dict(path: Path) -> dict[str, torch.Tensor]:
    """Reads a state dict from a file."""
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    with warnings.catch_warnings(action="ignore"):  # of other protocols of pickle
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(loaded, dict):
        raise ArgumentError("checkpoint", str(path), f"a state dict, not {type(loaded).__name__}")
    return loaded.get("state_dict", loaded)
