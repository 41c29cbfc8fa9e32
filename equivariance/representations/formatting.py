"""Representations in words, and as the Python that declares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields

from equivariance.representations.axes import Concatenated
from equivariance.representations.base import Representation
from equivariance.representations.cartesian_tensor import CartesianTensor
from equivariance.representations.irreps import Irreps
from equivariance.representations.sizes import SampleStarts
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices

_SHORT = {CartesianPoints: '"cartesian_points"', Invariant: "None"}


def in_words(spec: object) -> str:
    """A specification in one line of a report; empty where it declares nothing."""
    if isinstance(spec, Mapping):
        return ", ".join(f"{key}: {in_words(own)}" for key, own in spec.items())
    if isinstance(spec, list):
        return ", ".join(map(in_words, spec))
    return _law(spec) if isinstance(spec, Representation) else ""


def _law(representation: Representation) -> str:
    if isinstance(representation, NodeIndices):
        name = "node numbers" if representation.permuted else "sample numbers"
    elif isinstance(representation, Irreps):
        name = representation.irreps
    elif isinstance(representation, CartesianTensor):
        kind = "pseudotensor" if representation.pseudo else "tensor"
        places = f"ax{'i' if len(representation.axes) == 1 else 'e'}s {' and '.join(map(str, representation.axes))}"
        name = f"Cartesian {kind} on {places}" if representation.axes else "pseudoscalars"
    else:
        names = {CartesianPoints: "cartesian_points", Invariant: "unchanged", SampleStarts: "starts of the samples"}
        name = names.get(type(representation), type(representation).__name__)
    axes = [f"{what} on axis {axis}" for what, axis in _axes(representation).items() if isinstance(axis, int)]
    return ", ".join([name, *axes])


def _axes(representation: Representation) -> dict[str, object]:
    batch = representation.batch
    return {"nodes": representation.nodes, "samples": batch.axis if isinstance(batch, Concatenated) else batch}


def as_python(spec: object) -> str:
    """The Python that declares a specification, where `eq` is the package: the shortest that says the same."""
    if isinstance(spec, Mapping):
        keys = (f'"{key}"' if isinstance(key, str) else repr(key) for key in spec)
        return "{" + ", ".join(f"{k}: {as_python(v)}" for k, v in zip(keys, spec.values(), strict=True)) + "}"
    if isinstance(spec, list):
        return "[" + ", ".join(map(as_python, spec)) + "]"
    if isinstance(spec, Concatenated):
        return f"eq.Concatenated({spec.axis})" if spec.sizes is None else f"eq.Concatenated({spec.axis}, {spec.sizes})"
    return _declaration(spec) if isinstance(spec, Representation) else repr(spec)


def _declaration(spec: Representation) -> str:
    given = {f.name: getattr(spec, f.name) for f in fields(spec) if _differs(spec, f)}
    if not given and type(spec) in _SHORT:
        return _SHORT[type(spec)]
    if isinstance(spec, Irreps):
        irreps = f'"{given.pop("irreps")}"'
        words = [irreps, *(f"{name}={as_python(value)}" for name, value in given.items())]
        return irreps if not given else f"eq.Irreps({', '.join(words)})"
    return f"eq.{type(spec).__name__}({', '.join(f'{name}={as_python(value)}' for name, value in given.items())})"


def _differs(spec: Representation, entry: Field[object]) -> bool:
    return bool(getattr(spec, entry.name) != entry.default)
