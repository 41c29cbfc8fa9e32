"""How large values are and how far apart, as norms in float64."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from equivariance._engine.instrumentation.tensor_identity import LARGE, alike, read_by_numpy

_BLOCK = 16384
"""Numbers whose difference stays in the processor's cache until it is summed."""


def norm(values: Tensor) -> float:
    """The norm, also where its square overflows or underflows; infinite where an entry is NaN."""
    found = float(torch.linalg.vector_norm(values))
    if (found > 0 and math.isfinite(found)) or values.numel() == 0 or (found == 0 and not values.any()):
        return found
    largest = float(values.abs().max())
    if largest == 0 or not math.isfinite(largest):
        return math.inf if largest else 0.0
    return largest * float(torch.linalg.vector_norm(values / largest))


def distance(left: Tensor, right: Tensor) -> float:
    """As ``norm(left - right)``, but 0 where both are infinite alike; large differences are never written to memory."""
    if alike(left, right):
        return 0.0
    if left.numel() < LARGE or not (read_by_numpy(left) and read_by_numpy(right)):
        return norm(left - right)
    one, other = (t.detach().view(-1).numpy() for t in (left, right))
    room, norms = np.empty(_BLOCK, one.dtype), []
    summed = torch.from_numpy(room)  # numpy's own products would wake as many threads as there are cores
    for start in range(0, len(one), _BLOCK):
        pieces = one[start : start + _BLOCK], other[start : start + _BLOCK]
        np.subtract(*pieces, out=room[: len(pieces[0])])
        norms.append(float(torch.linalg.vector_norm(summed[: len(pieces[0])])))
    found = math.hypot(*norms)
    return found if 0 < found < math.inf else norm(left - right)
