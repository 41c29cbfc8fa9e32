"""Exact lattice rotations of fields, written apart from the harness: what the layers are tested with."""

import numpy as np
import torch
from e3nn import o3
from scipy.spatial.transform import Rotation


def cube_rotations():
    """24 signed permutation matrices, [24, 3, 3]."""
    return np.rint(Rotation.create_group("O").as_matrix())


def wigner(irreps, matrix):
    """D of irreps at an orthogonal matrix, float64; e3nn's constants are exact under float64 only."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return o3.Irreps(irreps).D_from_matrix(torch.as_tensor(matrix, dtype=torch.float64).clone())
    finally:
        torch.set_default_dtype(default)


def turned(fields, irreps, matrix):
    """A field [batch, channels, x, y, z] on a cube, by a signed permutation: D f(R^-1 x)."""
    source = [int(np.argmax(np.abs(row))) for row in matrix]
    signs = [row[i] for row, i in zip(matrix, source, strict=True)]
    moved = fields.permute(0, 1, *[2 + i for i in source]).flip([2 + a for a in range(3) if signs[a] < 0])
    return torch.einsum("ij,bjxyz->bixyz", wigner(irreps, matrix).to(fields), moved)
