"""Writes representations in words for reports, and as the Python that declares them.

Called by contracts and inference for the lines of a report. The module parses nothing; `standard.as_representation`
does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields

from equivariance.representations.axes import Concatenated
from equivariance.representations.base import Representation
from equivariance.representations.cartesian_tensor import CartesianTensor
from equivariance.representations.crystals.lattice_vectors import EdgeShifts, LatticeVectors
from equivariance.representations.irreps import Irreps
from equivariance.representations.mask import Mask
from equivariance.representations.sample_list import SampleList
from equivariance.representations.sizes import SampleStarts
from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices
from equivariance.representations.unjudged import Unjudged

_SHORT = {CartesianPoints: '"cartesian_points"', Invariant: "None", Unjudged: "..."}


def in_words(spec: object) -> str:
    """Returns a specification in one line of a report, or "" if it declares nothing.

    Args:
        spec: A representation, or a dict or list of specifications.
    """
    if isinstance(spec, Mapping):
        return ", ".join(f"{key}: {in_words(own)}" for key, own in spec.items())
    if isinstance(spec, list):
        return ", ".join(map(in_words, spec))
    if isinstance(spec, SampleList):
        return f"in each sample {in_words(spec.each)}"
    return _law(spec) if isinstance(spec, Representation) else ""


def _law(representation: Representation) -> str:
    """Returns the name of a representation and its axes."""
    if isinstance(representation, NodeIndices):
        name = "node numbers" if representation.permuted else "sample numbers"
    elif isinstance(representation, (LatticeVectors, EdgeShifts)):
        name = "lattice vectors" if isinstance(representation, LatticeVectors) else "shifts of edges"
    elif isinstance(representation, Irreps):
        name = representation.irreps
    elif isinstance(representation, CartesianTensor):
        kind = "pseudotensor" if representation.pseudo else "tensor"
        places = f"ax{'i' if len(representation.axes) == 1 else 'e'}s {' and '.join(map(str, representation.axes))}"
        name = f"Cartesian {kind} on {places}" if representation.axes else "pseudoscalars"
    elif isinstance(representation, CartesianPoints):
        name = "cartesian_points" + ("" if representation.axis == -1 else f" on axis {representation.axis}")
        name += " in a plane" if representation.dimensions == 2 else ""
    else:
        names = {Invariant: "unchanged", SampleStarts: "starts of the samples"}
        name = names.get(type(representation), type(representation).__name__)
    if representation.mask is not None:
        name += ", padded rows fixed"
    axes = [f"{what} on axis {axis}" for what, axis in _axes(representation).items() if isinstance(axis, int)]
    return ", ".join([name, *axes])


def _axes(representation: Representation) -> dict[str, object]:
    """Returns the axes of nodes, edges and samples by the words of a report."""
    batch = representation.batch
    samples = batch.axis if isinstance(batch, Concatenated) else batch
    pairs = {"pairs with nodes": representation.pairs}
    return {"nodes": representation.nodes, **pairs, "edges": representation.edges, "samples": samples}


def as_python(spec: object) -> str:
    """Returns the shortest Python that declares a specification, where `eq` is the package.

    Args:
        spec: A representation, an axis, a value, or a dict or list of specifications. The result has `...` in place of
            a law that the user must write.
    """
    if isinstance(spec, Mapping):
        keys = (f'"{key}"' if isinstance(key, str) else repr(key) for key in spec)
        return "{" + ", ".join(f"{k}: {as_python(v)}" for k, v in zip(keys, spec.values(), strict=True)) + "}"
    if isinstance(spec, SampleList):
        return f"eq.SampleList({as_python(spec.each)})"
    if isinstance(spec, list):
        return "[" + ", ".join(map(as_python, spec)) + "]"
    if isinstance(spec, Mask):
        return "eq.Mask.of(mask)"
    if isinstance(spec, Concatenated):
        return f"eq.Concatenated({spec.axis})" if spec.sizes is None else f"eq.Concatenated({spec.axis}, {spec.sizes})"
    return _declaration(spec) if isinstance(spec, Representation) else repr(spec)


def _declaration(spec: Representation) -> str:
    """Returns the constructor call of a representation, or its short form."""
    given = {f.name: getattr(spec, f.name) for f in fields(spec) if f.repr and _differs(spec, f)}
    if not given and type(spec) in _SHORT:
        return _SHORT[type(spec)]
    if type(spec) is Irreps:
        irreps = f'"{given.pop("irreps")}"'
        words = [irreps, *(f"{name}={as_python(value)}" for name, value in given.items())]
        return irreps if not given else f"eq.Irreps({', '.join(words)})"
    return f"eq.{type(spec).__name__}({', '.join(f'{name}={as_python(value)}' for name, value in given.items())})"


def _differs(spec: Representation, entry: Field[object]) -> bool:
    """True if a field does not have its default value."""
    return bool(getattr(spec, entry.name) != entry.default)
