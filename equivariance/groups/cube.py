"""The rotations of the cube, whose matrices are exact in floating point.

`groups.sampling`, `groups.lattice` and `groups.named` draw from them. The module knows no other elements.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.spatial.transform import Rotation

from equivariance.groups.elements import Transform
from equivariance.groups.matrices import rows_of


@lru_cache(maxsize=1)
def cube_rotations() -> tuple[Transform, ...]:
    """Returns the 24 rotations of the cube, the identity first.

    The matrices are signed permutations, hence exact in floating point.
    """
    matrices = np.rint(Rotation.create_group("O").as_matrix())
    ordered = sorted(matrices, key=lambda m: (-np.trace(m), m.tolist()))
    return tuple(Transform(rows_of(m + 0.0)) for m in ordered)
