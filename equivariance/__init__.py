"""Equivariance verification: is it broken, where, and is it a bug or just rounding?"""

from equivariance import groups
from equivariance.axes import Concatenated
from equivariance.check import assert_equivariant, check, diagnose
from equivariance.contract import Contract
from equivariance.errors import (
    ArgumentError,
    ChoiceError,
    ContractError,
    EquivarianceAssertionError,
    MissingDependencyError,
    UndeclaredTensorError,
)
from equivariance.findings import CAUSES, Finding, LayerRow, Location, Report
from equivariance.graphs import SampleStarts
from equivariance.groups import Transform
from equivariance.representations import CartesianPoints, Invariant, Irreps, NodeIndices, Representation
from equivariance.trees import GraphFields

__all__ = [
    "CAUSES",
    "ArgumentError",
    "CartesianPoints",
    "ChoiceError",
    "Concatenated",
    "Contract",
    "ContractError",
    "EquivarianceAssertionError",
    "Finding",
    "GraphFields",
    "Invariant",
    "Irreps",
    "LayerRow",
    "Location",
    "MissingDependencyError",
    "NodeIndices",
    "Report",
    "Representation",
    "SampleStarts",
    "Transform",
    "UndeclaredTensorError",
    "assert_equivariant",
    "check",
    "diagnose",
    "groups",
]
