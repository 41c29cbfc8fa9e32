"""Claims of three papers: those that are true hold, those that are false are registered with statement and cause.

Inputs, weights and elements follow the seed that Hypothesis draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

import equivariance as eq
from equivariance.groups import Mirrors, Product, Rotations, Translations
from property_tests import claimed as c

PLANE = eq.CartesianPoints(nodes=0, batch=None, dimensions=2)
SPACE = eq.CartesianPoints(nodes=0, batch=None)
CLOUDS = eq.CartesianPoints(nodes=1, batch=0)
WHOLE, ROWS = eq.Invariant(nodes=None, batch=None), eq.Invariant(nodes=0, batch=None)
PAIRS = eq.Invariant(nodes=0, batch=None, pairs=1)
LENGTHS = eq.Invariant(nodes=0, batch=None, pairs=1, degree=1)
ABOUT_Z, SMALL = Rotations(axis=(0.0, 0.0, 1.0)), Rotations(max_angle=0.2)
IMAGE, TORUS = (eq.Grid(irreps="1x0e", axes=(2, 3), periodic=p) for p in (False, True))
MARKS = eq.Swapped(eq.GridPoints(axes=(1, 0)), order=(1, 0, 2), axis=1)
CELLS = eq.Grid(irreps="1x0e", axes=(2, 3))


def frames(*axes: int) -> eq.CartesianTensor:
    return eq.CartesianTensor(axes, nodes=None, batch=0)


@dataclass(frozen=True)
class Claim:
    """A claim on a function.

    Attributes:
        function: Makes the function from a seed.
        inputs: Makes its inputs from a generator.
        takes, gives: The representations.
        group: The symmetries that are claimed.
        registered: (symmetry, cause, text of the statement) of each finding; empty for a true claim.
        contracts: Contracts of layers.
    """

    function: Callable[[int], Any]
    inputs: Callable[[torch.Generator], tuple[torch.Tensor, ...]]
    takes: Any
    gives: Any
    group: Any
    registered: tuple[tuple[str, str, str], ...] = ()
    contracts: dict[str, eq.Contract] = field(default_factory=dict)


def normal(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def two(*shape: int) -> Callable[[torch.Generator], tuple[torch.Tensor, ...]]:
    return lambda g: (normal(g, *shape), normal(g, *shape))


def flat(g: torch.Generator) -> tuple[torch.Tensor, ...]:
    return (20 * normal(g, 9, 2) + torch.tensor([90.0, 110.0], dtype=torch.float64),)


def picture(g: torch.Generator) -> tuple[torch.Tensor, ...]:
    """Two smooth blobs away from the border, [2, 1, 18, 18]."""
    cells = torch.arange(18, dtype=torch.float64) - 8.5
    places = torch.rand(2, 2, generator=g, dtype=torch.float64) * 2 - 1
    rows, columns = (places[:, axis, None, None] for axis in (0, 1))
    return (torch.exp(-((cells[:, None] - rows) ** 2 + (cells - columns) ** 2) / 2)[:, None],)


def turned(g: torch.Generator) -> tuple[torch.Tensor, ...]:
    vectors = normal(g, 2, 6, 3).numpy()
    return tuple(torch.from_numpy(Rotation.from_rotvec(v).as_matrix()) for v in vectors)


def views(g: torch.Generator) -> tuple[torch.Tensor, ...]:
    depth = -4 + 0.3 * normal(g, 9, 1)
    return normal(g, 9, 2), normal(g, 9, 2), depth


def keypoints(g: torch.Generator) -> tuple[torch.Tensor, ...]:
    depth = -6 + 0.5 * normal(g, 9, 1)
    return (torch.cat([normal(g, 9, 2), depth], -1),)


def model() -> torch.Tensor:
    return normal(torch.Generator().manual_seed(7), 9, 2)


def const(function: Callable[..., Any]) -> Callable[[int], Any]:
    return lambda _: function


SHIFTS = Translations(max_norm=3, lattice=True)
BOTH = {"first": eq.Factors({0: CLOUDS}), "second": eq.Factors({1: CLOUDS})}, eq.Factors({1: frames(1), 0: frames(2)})
SIX = eq.CartesianTensor((2,), nodes=None, batch=0)
SEES_TURNS = eq.Sensitive(PAIRS, to="rotation")
MOVING = {"": eq.Contract({}, None, parameters={"transforms": ROWS})}

CLAIMS = {
    "K1 printed: a shift moves the keypoints": Claim(
        lambda s: c.Keypoints("zeros", seed=s), picture, IMAGE, eq.GridPoints(nodes=None), SHIFTS,
        (("translation", "absolute-position", ""),),
    ),
    "K1 corrected: on a torus, with a mean on the circle": Claim(
        lambda s: c.Keypoints("circular", True, s), picture, TORUS, eq.GridPoints(periodic=18.0), SHIFTS,
    ),
    "K2: a quarter turn turns the keypoints": Claim(
        lambda s: c.Keypoints("circular", True, s), picture, TORUS, eq.GridPoints(periodic=18.0),
        Rotations(lattice=True), (("rotation", "frame-dependent", "self.conv(image)"),),
    ),
    "K3: Procrustes under two independent rotations": Claim(
        const(c.procrustes), two(2, 9, 3), *BOTH, Product((Rotations(), Rotations())),
    ),
    "K3: Procrustes, the same keypoints in another order, other samples": Claim(
        const(c.procrustes), two(3, 9, 3), (CLOUDS, CLOUDS), frames(1, 2), ["se3", "permutation", "batch"],
    ),
    "K4: a reflection of one set gives -R": Claim(
        const(c.procrustes), two(2, 9, 3), (eq.Invariant(nodes=1, batch=0), CLOUDS), frames(1), "inversion",
        (("inversion", "wrong-irrep", "torch.det(u @ v)"),),
    ),
    "K4 corrected: a reflection of both": Claim(
        const(c.procrustes), two(2, 9, 3), (CLOUDS, CLOUDS), frames(1, 2), "inversion",
    ),
    "K7: an image shift is a rigid motion of the unprojected points": Claim(
        const(c.unprojected_rotation), views, (eq.GridPoints(nodes=0, batch=None), ROWS, ROWS), WHOLE, "translation",
        (("translation", "", ""),),
    ),
    "K7 corrected: unprojected points under camera rotations and shifts": Claim(
        const(lambda uvz: torch.cat([-uvz[:, :2] * uvz[:, 2:], uvz[:, 2:]], -1)), keypoints,
        eq.Unprojected(nodes=0, batch=None), SPACE, [SMALL, Translations(max_norm=1.0)],
    ),
    "K8: the loss does not depend on the order of the views": Claim(
        const(c.consistency), two(9, 3), (ROWS, ROWS), WHOLE, [eq.Swap(("first", "second")), "permutation"],
    ),
    "K8, in one direction": Claim(
        const(c.one_sided), two(9, 3), (ROWS, ROWS), WHOLE, eq.Swap(("first", "second")),
        (("swap", "order-dependent", "first.square().mean()"),),
    ),
    "T1: the Euler loss under a common rotation": Claim(
        const(c.euler_loss), turned, (frames(1), frames(1)), eq.Invariant(nodes=None, batch=0), "so3",
        (("rotation", "", ""),),
    ),
    "T1 corrected: the geodesic angle": Claim(
        const(c.geodesic_loss), turned, (frames(1), frames(1)), eq.Invariant(nodes=None, batch=0), "so3",
    ),
    "T2 as in DAD-3DHeads: three samples": Claim(
        lambda _: c.SixNumbers(0), lambda g: (normal(g, 3, 2, 3),), SIX, frames(1), ["so3", "batch"],
        (("rotation", "", "torch.linalg.cross"), ("batch", "batch-coupled", "torch.linalg.cross")),
    ),
    "T2 corrected: along the last axis": Claim(
        lambda _: c.SixNumbers(-1), lambda g: (normal(g, 3, 2, 3),), SIX, frames(1), ["so3", "batch"],
    ),
    "T2: the third column is no vector under inversion": Claim(
        lambda _: c.SixNumbers(-1), lambda g: (normal(g, 3, 2, 3),), SIX, frames(1), "inversion",
        (("inversion", "wrong-irrep", ""),),
    ),
    "T3: queries permute": Claim(
        lambda s: c.Decoder(seed=s), lambda g: (normal(g, 5, 4), normal(g, 7, 4)),
        (ROWS, eq.Invariant(nodes=None, batch=None)), ROWS, "permutation",
    ),
    "T3 with a transform for each query": Claim(
        lambda s: c.Decoder(5, s), lambda g: (normal(g, 5, 4), normal(g, 7, 4)),
        (ROWS, eq.Invariant(nodes=None, batch=None)), ROWS, "permutation",
        (("permutation", "order-dependent", "self.transforms"),),
    ),
    "T3 corrected: the transforms move with the queries": Claim(
        lambda s: c.Decoder(5, s), lambda g: (normal(g, 5, 4), normal(g, 7, 4)),
        (ROWS, eq.Invariant(nodes=None, batch=None)), ROWS, "permutation", contracts=MOVING,
    ),
    "T4: memory cells permute, with and without transforms": Claim(
        lambda s: c.Decoder(5 * (s % 2), s), lambda g: (normal(g, 5, 4), normal(g, 7, 4)),
        (eq.Invariant(nodes=None, batch=None), ROWS), WHOLE, "permutation",
    ),
    "T7 as published: Z5 under another numbering": Claim(
        lambda _: c.Z5(True), two(9, 3), (ROWS, ROWS), WHOLE, "permutation",
        (("permutation", "order-dependent", "distances.sort(0)"),),
    ),
    "T7 corrected: the nearest five of each vertex": Claim(
        lambda _: c.Z5(False), two(9, 3), (ROWS, ROWS), WHOLE, "permutation",
    ),
    "T8: a mirrored picture exchanges the landmarks": Claim(
        lambda s: c.Landmarks(False, s), lambda g: (normal(g, 2, 1, 8, 8),), CELLS, MARKS, Mirrors(1),
        (("mirror", "frame-dependent", "self.head"),),
    ),
    "T8 corrected: averaged over both": Claim(
        lambda s: c.Landmarks(True, s), lambda g: (normal(g, 2, 1, 8, 8),), CELLS, MARKS, Mirrors(1),
    ),
    "C1: L_t follows a shift": Claim(
        const(c.differences), flat, eq.CartesianPoints(nodes=None, batch=None, dimensions=2),
        eq.CartesianPoints(nodes=None, batch=None, dimensions=2), "translation",
    ),
    "C2: L_s under shifts, turns and scale": Claim(
        const(c.distances), flat, PLANE, LENGTHS, ["translation", "so2", "scale", "permutation"],
    ),
    "C2: L_s is sensitive to r_z": Claim(
        const(c.distances), flat, PLANE, SEES_TURNS, ABOUT_Z, (("rotation", "insensitive", "between.norm(dim=-1)"),),
    ),
    "C3: L_rz under shifts": Claim(
        const(c.printed_turn), flat, PLANE, PAIRS, "translation",
        (("translation", "absolute-position", "observed.norm(dim=-1)"),),
    ),
    "C3: L_rz measures r_z": Claim(
        const(c.printed_turn), flat, PLANE, SEES_TURNS, ABOUT_Z,
        (("rotation", "insensitive", "one[..., 0] * other[..., 1]"),),
    ),
    "C3: L_rz under scale": Claim(const(c.printed_turn), flat, PLANE, PAIRS, "scale"),
    "C3 corrected: sine and cosine across the sets measure r_z": Claim(
        lambda _: c.Turn(model()), flat, PLANE, eq.Sensitive(PAIRS, to="rotation", at_least=0.5),
        [ABOUT_Z, "translation", "scale"],
    ),
    "C4: L_rxy under shifts, scale and r_z": Claim(
        const(c.bends), flat, PLANE, eq.Invariant(nodes=None, batch=None), ["translation", "so2", "scale"],
    ),
    "C4: L_rxy tells a mirror image": Claim(
        const(c.bends), flat, PLANE, eq.Sensitive(WHOLE, to="mirror"), Mirrors(0),
        (("mirror", "insensitive", "found"),),
    ),
    "C5: L_alpha in space": Claim(
        const(c.bends), lambda g: (normal(g, 9, 3),), eq.CartesianPoints(nodes=None, batch=None), WHOLE,
        ["e3", "scale"],
    ),
    "C6: a CNN on the matrix under another order": Claim(
        lambda s: c.OnMatrix(True, s), lambda g: (normal(g, 9, 2),), PLANE, WHOLE, "permutation",
        (("permutation", "order-dependent", "self.conv(matrix"),),
    ),
    "C6 corrected: pooling over rows and columns": Claim(
        lambda s: c.OnMatrix(False, s), lambda g: (normal(g, 9, 2),), PLANE, WHOLE, "permutation",
    ),
    "C8: an added step under scale": Claim(
        lambda _: c.Update(False), flat, PLANE, eq.Invariant(nodes=None, batch=None, degree=1), "scale",
        (("scale", "frame-dependent", "step"),),
    ),
    "C8 corrected: a factor, under a similarity": Claim(
        lambda _: c.Update(True), flat, PLANE, eq.Invariant(nodes=None, batch=None, degree=1),
        ["translation", "so2", "scale"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CLAIMS)
@settings(max_examples=2, deadline=None)
@given(seed=st.integers(0, 99))
def test_a_claim_is_true_or_registered(name, seed):
    claim = CLAIMS[name]
    inputs = claim.inputs(torch.Generator().manual_seed(seed))
    report = eq.diagnose(
        claim.function(seed), inputs, claim.takes, claim.gives, group=claim.group, seed=seed, samples=4,
        contracts=claim.contracts,
    )  # fmt: skip
    assert report.ok == (not claim.registered), report
    assert not report.untested
    for symmetry, cause, source in claim.registered:
        found = [f for f in report.findings if symmetry in f.symmetries and cause in ("", f.cause)]
        assert found, report
        places = [p.source for f in found for p in (f.location, *f.alternatives) if p]
        assert not source or any(source in place for place in places), places
    assert {s for f in report.findings for s in f.symmetries} == {s for s, _, _ in claim.registered}


def test_at_least_twenty_claims_are_held_against_mathematics():
    assert len(CLAIMS) >= 20
    assert 10 <= sum(bool(claim.registered) for claim in CLAIMS.values()) < len(CLAIMS)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 999), heads=st.sampled_from([1, 2, 4]))
def test_transforms_before_and_after_reading_agree_for_one_head_only(seed, heads):
    g = torch.Generator().manual_seed(seed)
    values = normal(g, 5, 8), normal(g, 7, 8), normal(g, 5, 8, 8), normal(g, 8, 8)
    before, after = (c.qamem(heads, first, *values) for first in (True, False))
    error = float((before - after).norm() / before.norm())
    assert error < 1e-13 if heads == 1 else error > 1e-2


@settings(max_examples=20, deadline=None)
@given(yaw=st.floats(-math.pi / 3, math.pi / 3), seed=st.integers(0, 99))
def test_the_geodesic_angle_of_a_small_turn_is_the_turn(yaw, seed):
    frame = Rotation.from_euler("y", yaw)
    axis = normal(torch.Generator().manual_seed(seed), 3).numpy()
    near = Rotation.from_rotvec(0.01 * axis / (axis @ axis) ** 0.5) * frame
    matrices = (torch.from_numpy(r.as_matrix())[None] for r in (near, frame))
    assert abs(float(c.geodesic_loss(*matrices)) - 0.01) < 1e-9
