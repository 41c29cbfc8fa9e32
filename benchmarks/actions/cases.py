"""Every action with its declaration, a sound network and a broken one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor, nn

import equivariance as eq
from benchmarks.actions import networks as n
from equivariance.groups import MatrixGroup, Mirrors, Product, Rotations, Translations, mirror, rotation, translation


@dataclass(frozen=True)
class Case:
    """One action.

    Attributes:
        declared: The declaration, as the table shows it.
        sound, broken: The networks.
        inputs: The arguments.
        takes, gives: The representations.
        group: The elements.
        contracts: Contracts of layers.
        right: The verdict on the sound network: "holds" or "not tested".
    """

    declared: str
    sound: nn.Module
    broken: nn.Module
    inputs: tuple[Tensor, ...]
    takes: Any
    gives: Any
    group: Any
    contracts: dict[str, eq.Contract] = field(default_factory=dict)
    right: str = "holds"


def _normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _uniform(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def _blob(size: int, row: float, column: float) -> Tensor:
    cells = torch.arange(size, dtype=torch.float64)
    return torch.exp(-((cells[:, None] - row) ** 2 + (cells - column) ** 2) / 8)[None, None]


def _vectors(*axes: int) -> eq.CartesianTensor:
    return eq.CartesianTensor(axes, nodes=None, batch=0)


_SPACE = eq.CartesianPoints(nodes=0, batch=None)
_FLAT = eq.CartesianPoints(nodes=0, batch=None, dimensions=2)
_CLOUDS = eq.CartesianPoints(nodes=1, batch=0)
_WHOLE, _ROWS = eq.Invariant(nodes=None, batch=None), eq.Invariant(nodes=0, batch=None)
_IMAGE, _TORUS = (eq.Grid(irreps="1x0e", axes=(2, 3), periodic=p) for p in (False, True))
_CENTRE = eq.CartesianPoints(nodes=None, batch=None, dimensions=2)
_FRAMES = torch.from_numpy(Rotation.random(6, rng=np.random.default_rng(0)).as_matrix())
_ABOUT_Z = Rotations(axis=(0.0, 0.0, 1.0))
_SHIFTS = Translations(max_norm=4, lattice=True)
_POINTS, _FAR = _normal(9, 3), _normal(9, 3) - torch.tensor([0.0, 0, 12], dtype=torch.float64)
_QUARTER = rotation([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
_SEEN = torch.tensor([1, 1, 0, 1, 1, 1, 0, 1, 1]).bool()
_WINDOW = eq.Canvas(irreps="1x0e", axes=(2, 3), inner=(20, 20))
_MOVING = {"": eq.Contract({}, None, parameters={"transforms": _ROWS})}
_LENGTH = eq.Invariant(nodes=None, batch=None, degree=1)
_ACROSS = eq.Sensitive(eq.Invariant(nodes=0, batch=None, pairs=1), to="rotation")

CASES = {
    "image shift -> coordinates": Case(
        "`eq.GridPoints()`", n.Centroid(), n.Centroid(1e-3), (_blob(32, 14, 18),), _IMAGE, eq.GridPoints(), _SHIFTS,
    ),
    "quarter turn -> coordinates": Case(
        "`eq.GridPoints()`", n.Centroid(), n.Centroid(1e-3), (_blob(32, 14, 18),), _IMAGE, eq.GridPoints(),
        Rotations(lattice=True),
    ),
    "a picture whose surroundings are known": Case(
        "`eq.Canvas(inner=...)`", n.Ramped(), n.Ramped(0.01),
        (nn.functional.avg_pool2d(_uniform(1, 1, 40, 40), 9, 1, 4),),
        _WINDOW, eq.Grid(irreps="2x0e", axes=(2, 3)), "translation",
    ),
    "a scene that is rendered again": Case(
        "`eq.Rendered(render)`", n.Centre(), n.Centre(0.05), (_normal(4, 2) / 8,),
        eq.Rendered(render=n.render, scene=_FLAT), _CENTRE, [_QUARTER, translation([0.25, -0.5, 0])],
    ),
    "positions on a torus": Case(
        "`eq.GridPoints(periodic=...)`", n.Circle(), n.Circle(1e-3), (_blob(32, 3, 28),), _TORUS,
        eq.GridPoints(periodic=32.0), _SHIFTS,
    ),
    "mirror with exchanged landmarks": Case(
        "`Mirrors(1)`, `eq.Swapped(base, order)`", n.Marks(), n.Marks(0.1), (_normal(2, 1, 8, 8).abs(),), _IMAGE,
        eq.Swapped(eq.Invariant(nodes=None, batch=0), order=(1, 0, 2), axis=-1), Mirrors(1),
    ),
    "pairs of nodes [N, N]": Case(
        "`eq.Pairs((0, 1))`", n.PairMatrix(), n.PairMatrix(True), (_POINTS,), _SPACE, eq.Pairs(), "permutation",
    ),
    "separate elements on two inputs": Case(
        "`Product`, `eq.Factors`", n.Procrustes(), n.Procrustes(0.1),
        (_normal(2, 9, 3, seed=1), _normal(2, 9, 3, seed=2)),
        (eq.Factors({0: _CLOUDS}), eq.Factors({1: _CLOUDS})), eq.Factors({1: _vectors(1), 0: _vectors(2)}),
        Product((Rotations(), Rotations())),
    ),
    "turns about one axis, by at most an angle": Case(
        "`Rotations(axis=..., max_angle=...)`", n.Heights(), n.Heights(0.1), (_POINTS,), _SPACE, _WHOLE,
        Rotations(axis=(0.0, 0.0, 1.0), max_angle=0.5),
    ),
    "scale": Case(
        "`Scalings()`, `degree=1`", n.Extent(), n.Extent(0.1), (_POINTS,), _SPACE, _LENGTH, "scale",
    ),
    "logarithm of a length": Case(
        "`eq.LogScale()`", n.LogExtent(), n.LogExtent(0.1), (_POINTS,), _SPACE,
        eq.LogScale(nodes=None, batch=None), "scale",
    ),
    "pinhole projection under camera rotation": Case(
        "`eq.ImageRays(focal)`", n.Lens(), n.Lens(0.1), (_FAR,), _SPACE, eq.ImageRays(2.0, nodes=0, batch=None),
        Rotations(max_angle=0.3),
    ),
    "image coordinates with depth": Case(
        "`eq.Unprojected(focal)`", n.Lens(depth=True), n.Lens(0.1, True), (_FAR,), _SPACE,
        eq.Unprojected(2.0, nodes=0, batch=None), "translation",
    ),
    "vectors up to a sign": Case(
        "`eq.UpToSign(base)`", n.Axes(), n.Axes(True), (_normal(3, 9, 3),), _vectors(2),
        eq.UpToSign(_vectors(1), axis=1), "so3",
    ),
    "Euler angles": Case(
        "`eq.Angles(order)`", n.Angles(), n.Angles(1.1), (_FRAMES,), _vectors(1), eq.Angles("xyz", nodes=None, batch=0),
        "so3",
    ),
    "coefficients under a mirror": Case(
        "`eq.Linear({element: matrix})`", n.Coefficients(), n.Coefficients(0.1), (_POINTS,), _SPACE,
        eq.Linear({mirror(0): [[1, 0], [0, -1]]}, nodes=None, batch=None), Mirrors(0),
    ),
    "parameters that move with the inputs": Case(
        "`Contract(parameters={path: ...})`", n.Memory(), n.Memory(0.1), (_normal(5, 4),), _ROWS, _ROWS, "permutation",
        _MOVING,
    ),
    "missing vertices": Case(
        "`eq.Masked(base, by=...)`", n.Seen(), n.Seen(False), (_POINTS * _SEEN[:, None], _SEEN),
        (eq.Masked(_SPACE, by="seen"), _ROWS), eq.Masked(eq.CartesianTensor(nodes=0, batch=None), by="seen"),
        ["se3", "permutation"],
    ),
    "exchanged views": Case(
        '`eq.Swap(("first", "second"))`', n.Views(), n.Views(1.1), (_POINTS, _normal(9, 3, seed=1)), (_ROWS, _ROWS),
        _WHOLE, eq.Swap(("first", "second")),
    ),
    "noise inside": Case(
        "not tested, with the advice", n.Noisy(), n.Noisy(0.3), (_POINTS,), _SPACE,
        eq.CartesianPoints(nodes=None, batch=None), "so3", right="not tested",
    ),
    "labels on a grid": Case(
        '`eq.Grid(kind="labels")`', n.Segments(), n.Segments(1),
        (_uniform(2, 1, 8, 8),), _IMAGE,
        eq.Grid(irreps="1x0e", axes=(2, 3), kind="labels"), "so3",
    ),
    "what must change": Case(
        '`eq.Sensitive(base, to="rotation")`', n.Turn(), n.Turn(True), (_normal(9, 2),), _FLAT, _ACROSS, _ABOUT_Z,
    ),
    "points of a plane": Case(
        '`eq.CartesianPoints(dimensions=2)`, "so2"', n.Stretched(), n.Stretched(1.1), (_normal(9, 2),), _FLAT, _WHOLE,
        "so2",
    ),
    "a matrix group of the user": Case(
        '`MatrixGroup("lorentz", ...)`, `eq.Linear()`', n.Mass(), n.Mass(0.01), (_normal(6, 4),),
        eq.Linear(nodes=0, batch=None), _ROWS, MatrixGroup("lorentz", n.lorentz_generators(), infinitesimal=True),
    ),
}  # fmt: skip
