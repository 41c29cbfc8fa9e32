"""Tests whether a PyTorch module is equivariant, and finds the statement that breaks the symmetry.

Users import the public names from here. Each name is imported at its first use. A program that examines no network
therefore does not import PyTorch: pytest loads the plugin in every run, and the command line may only print its help.
The computations are in the private package `_engine`.
"""

import importlib
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from equivariance import groups
    from equivariance.api import assert_equivariant, check, diagnose
    from equivariance.cause_catalogue import CAUSES
    from equivariance.contracts.contract import Contract
    from equivariance.contracts.nested import GraphFields
    from equivariance.errors import (
        ArgumentError,
        ChoiceError,
        ContractError,
        EquivarianceAssertionError,
        MissingDependencyError,
        UndeclaredTensorError,
    )
    from equivariance.findings import Curve, Finding, LayerRow, Location, SymmetryVerdict
    from equivariance.groups.elements import Transform
    from equivariance.groups.further import Swap
    from equivariance.report.report import Report
    from equivariance.representations.axes import Concatenated
    from equivariance.representations.base import Representation
    from equivariance.representations.cartesian_tensor import CartesianTensor
    from equivariance.representations.composed.factors import Factors
    from equivariance.representations.composed.masked import Masked
    from equivariance.representations.composed.sensitive import Sensitive
    from equivariance.representations.composed.swapped import Swapped
    from equivariance.representations.composed.up_to_sign import UpToSign
    from equivariance.representations.crystals.lattice_vectors import LatticeVectors
    from equivariance.representations.further.angles import Angles, LogScale
    from equivariance.representations.further.linear import Linear
    from equivariance.representations.further.pairs import Pairs
    from equivariance.representations.grid import Grid
    from equivariance.representations.images.cameras import ImageRays, Unprojected
    from equivariance.representations.images.canvas import Canvas
    from equivariance.representations.images.grid_points import GridPoints
    from equivariance.representations.images.rendered import Rendered
    from equivariance.representations.irreps import Irreps
    from equivariance.representations.mask import Mask
    from equivariance.representations.sample_list import SampleList
    from equivariance.representations.sizes import SampleStarts
    from equivariance.representations.standard import CartesianPoints, Invariant, NodeIndices

__all__ = [
    "CAUSES",
    "Angles",
    "ArgumentError",
    "Canvas",
    "CartesianPoints",
    "CartesianTensor",
    "ChoiceError",
    "Concatenated",
    "Contract",
    "ContractError",
    "Curve",
    "EquivarianceAssertionError",
    "Factors",
    "Finding",
    "GraphFields",
    "Grid",
    "GridPoints",
    "ImageRays",
    "Invariant",
    "Irreps",
    "LatticeVectors",
    "LayerRow",
    "Linear",
    "Location",
    "LogScale",
    "Mask",
    "Masked",
    "MissingDependencyError",
    "NodeIndices",
    "Pairs",
    "Rendered",
    "Report",
    "Representation",
    "SampleList",
    "SampleStarts",
    "Sensitive",
    "Swap",
    "Swapped",
    "SymmetryVerdict",
    "Transform",
    "UndeclaredTensorError",
    "Unprojected",
    "UpToSign",
    "assert_equivariant",
    "check",
    "diagnose",
    "groups",
]

_HOMES = {
    "representations.axes": ("Concatenated",),
    "api": ("assert_equivariant", "check", "diagnose"),
    "contracts.contract": ("Contract",),
    "errors": (
        *("ArgumentError", "ChoiceError", "ContractError", "EquivarianceAssertionError", "MissingDependencyError"),
        "UndeclaredTensorError",
    ),
    "representations.crystals.lattice_vectors": ("LatticeVectors",),
    "representations.grid": ("Grid",),
    "representations.images.grid_points": ("GridPoints",),
    "report.report": ("Report",),
    "cause_catalogue": ("CAUSES",),
    "findings": ("Curve", "Finding", "LayerRow", "Location", "SymmetryVerdict"),
    "representations.mask": ("Mask",),
    "representations.sample_list": ("SampleList",),
    "representations.sizes": ("SampleStarts",),
    "groups.elements": ("Transform",),
    "representations.base": ("Representation",),
    "representations.irreps": ("Irreps",),
    "representations.standard": ("CartesianPoints", "Invariant", "NodeIndices"),
    "representations.cartesian_tensor": ("CartesianTensor",),
    "contracts.nested": ("GraphFields",),
    "representations.composed.masked": ("Masked",),
    "representations.images.cameras": ("ImageRays", "Unprojected"),
    "representations.images.canvas": ("Canvas",),
    "representations.images.rendered": ("Rendered",),
    "representations.composed.factors": ("Factors",),
    "representations.composed.sensitive": ("Sensitive",),
    "representations.composed.swapped": ("Swapped",),
    "representations.composed.up_to_sign": ("UpToSign",),
    "representations.further.angles": ("Angles", "LogScale"),
    "representations.further.linear": ("Linear",),
    "representations.further.pairs": ("Pairs",),
    "groups.further": ("Swap",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Imports a public name at its first use. Python's random state stays: rich draws numbers when it is imported."""
    if name not in (*_HOME, "groups"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    state = random.getstate()
    try:
        module = importlib.import_module(f"{__name__}.{_HOME.get(name, name)}")
    finally:
        random.setstate(state)
    value = getattr(module, name) if name in _HOME else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
