"""Mechanisms that break rotations and the inversion, with the cause, words and remedy that a report must give."""

from __future__ import annotations

import torch

from equivariance import Irreps
from tests.equivariance.helpers.mechanisms import (
    Biased,
    Components,
    Coordinates,
    Mechanism,
    Normed,
    azimuth_only,
    by_coordinate,
    channels,
    cross,
    eigenframe,
    euler,
    fixed_axis,
    frames_transposed,
    look_at,
    matrix,
    mlp,
    quadratic,
    voxels,
)

ROTATIONS = [
    Mechanism("bias", "component-mixing", "rotation", Biased, words="constant", fix="bias"),
    Mechanism(
        "offset", "component-mixing", "rotation", lambda s: lambda x: x + 0.3, words="(0.3, 0.3, 0.3)", fix="bias"
    ),
    Mechanism("layer norm", "component-mixing", "rotation", Normed, words="mean is taken out", fix="norms"),
    Mechanism("relu", "component-mixing", "rotation", lambda s: torch.relu, words="nonlinearity", fix="gate"),
    Mechanism("tanh", "component-mixing", "rotation", lambda s: lambda x: (1 + s) * torch.tanh(x), words="odd"),
    Mechanism("softmax", "component-mixing", "rotation", lambda s: lambda x: x.softmax(-1)),
    Mechanism("linear", "component-mixing", "rotation", matrix, words="reads components x, y, z", fix="channels"),
    Mechanism(
        "linear and bias", "component-mixing", "rotation", Coordinates, words="adds the constant", fix="channels"
    ),
    Mechanism("batch norm on xyz", "component-mixing", "rotation", Components),
    Mechanism("mlp on xyz", "component-mixing", "rotation", lambda s: mlp(3, 5, s), gives=None),
    Mechanism(
        "city block", "component-mixing", "rotation", lambda s: lambda x: x.abs().sum(-1), gives=None, words="cube"
    ),
    Mechanism("relu on l=2", "component-mixing", "rotation", lambda s: torch.relu, ([(20, 5), "1x2e"],), "1x2e"),
    Mechanism("epsilon", "component-mixing", "rotation", lambda s: lambda x: x + 6e-6 * x.abs()),
    Mechanism("epsilon added", "component-mixing", "rotation", lambda s: lambda x: x + 6e-6, words="constant"),
    Mechanism(
        "other basis",
        "component-mixing",
        "rotation",
        lambda s: lambda x: x[..., [1, 2, 0]],
        words="y, z, x",
        fix="order",
    ),
    # Near a line these frames are singular, along y and z only, which says nothing of an axis of the coordinates.
    Mechanism("frames transposed", "component-mixing", "rotation", lambda s: frames_transposed, gives=None),
    Mechanism(
        "no change", "wrong-irrep", "rotation", lambda s: lambda x: x.norm(dim=-1, keepdim=True).expand(*x.shape)
    ),
    Mechanism(
        "l=1 as 0e",
        "wrong-irrep",
        "rotation",
        lambda s: lambda x: channels(s).to(x) @ x,
        gives="3x0e",
        words="l=1",
        fix="l=1",
    ),
    Mechanism("l=2 as 0e", "wrong-irrep", "rotation", lambda s: quadratic, gives=None, words="l=2"),
    Mechanism(
        "l=2 as l=0 and l=1",
        "wrong-irrep",
        "rotation",
        lambda s: lambda x: torch.cat([x, x.norm(dim=-1, keepdim=True)], -1),
        gives="1x0e+1x1o",
    ),
    Mechanism(
        "R for R^T",
        "wrong-irrep",
        "rotation",
        lambda s: lambda x: torch.linalg.inv(x[:, :3]).transpose(-1, -2).transpose(-1, -2),
        ([(6, 3, 3), "1x1o"],),
        words="columns",
        fix="Transpose",
    ),
    Mechanism(
        "channels last",
        "wrong-irrep",
        "rotation",
        lambda s: lambda x: x.transpose(-1, -2).reshape(len(x), -1),
        gives="4x1o",
        words="slow index",
    ),
    Mechanism("pseudovector", "wrong-irrep", "inversion", lambda s: cross, group="e3", words="opposite", fix="1e"),
    Mechanism("mixed parity", "wrong-irrep", "inversion", lambda s: lambda x: x + cross(x), group="e3", words="even"),
    Mechanism("z scaled", "frame-dependent", "rotation", fixed_axis, words="axis z"),
    Mechanism("up", "frame-dependent", "rotation", lambda s: look_at, words="axis z", fix="axis z"),
    Mechanism("height", "frame-dependent", "rotation", lambda s: lambda x: x[..., 1], gives=None, words="axis y"),
    Mechanism(
        "polar angle",
        "frame-dependent",
        "rotation",
        lambda s: lambda x: torch.atan2(x[..., :2].norm(dim=-1), x[..., 2]),
        gives=None,
        words="axis z",
    ),
    Mechanism("euler", "frame-dependent", "rotation", lambda s: euler, words="an angle about an axis"),
    Mechanism(
        "azimuth", "frame-dependent", "rotation", lambda s: azimuth_only, gives="2x0e", words="an angle about an axis"
    ),
    Mechanism(
        "mlp on angles",
        "frame-dependent",
        "rotation",
        lambda s: lambda x: mlp(2, 3, s)(azimuth_only(x)),
        gives=None,
        words="an angle about an axis",
    ),
    Mechanism(
        "eigenvectors",
        "frame-dependent",
        "rotation",
        lambda s: eigenframe,
        "cartesian_points",
        Irreps("1x1e", nodes=None),
        words="sign",
        fix="sign",
    ),
    Mechanism(
        "not turned back",
        "wrong-irrep",
        "rotation",
        lambda s: lambda x: x + 0.3 * mlp(1, 3, s)(x.norm(dim=-1, keepdim=True)),
        words="invariant numbers",
        fix="Turn the numbers back",
    ),
    Mechanism(
        "sorted rows",
        "order-dependent",
        "rotation",
        lambda s: by_coordinate,
        "cartesian_points",
        words="another order",
        fix="distance",
    ),
    Mechanism(
        "sorted columns",
        "order-dependent",
        "rotation",
        lambda s: lambda x: x.sort(0).values,
        "cartesian_points",
        words="ascends",
    ),
    Mechanism("rounding", "discretization", "rotation", lambda s: voxels(0.5), words="cells"),
]
