"""Describes the kernels as subjects of the harness: example points, what the paper claims, and what is wrong of it."""

from __future__ import annotations

import torch
from torch import Tensor

from equivariance.subject import RegisteredFinding, Subject
from equivariance_zoo.cprfa.contracts import CORRECTED, POINTS, PUBLISHED, ROWS, layers_of
from equivariance_zoo.cprfa.cpr import CorrectedKernels, PublishedKernels

SEED = 0
_VERTICES, _MISSING = 16, 3

PLANE = ("translation", "so2", "scale")
"""The similarities of the picture, which move the observed points and leave those of the model."""


def cpr_kernels_published() -> Subject:
    """Returns the printed kernels with the claims of section 2.2.

    The claims on r_z and on the distances are registered as wrong.
    """
    kernels = PublishedKernels()
    return Subject(
        name="cpr_kernels_published",
        module=kernels,
        args=points(),
        irreps_in=(POINTS, ROWS),
        irreps_out=PUBLISHED,
        claims=PLANE,
        contracts=layers_of(kernels, PUBLISHED),
        registered=(
            RegisteredFinding("in_plane", "translation", "absolute-position"),
            RegisteredFinding("in_plane", "rotation", "insensitive"),
            RegisteredFinding("scale", "rotation", "insensitive"),
        ),
        description="the printed kernels of CPRFA: that of the in-plane rotation depends on the origin and not on r_z",
    )


def cpr_kernels() -> Subject:
    """Returns the corrected kernels, with missing vertices: each depends on its own parameter and no earlier one."""
    kernels, there = CorrectedKernels(), torch.arange(_VERTICES) >= _MISSING
    return Subject(
        name="cpr_kernels",
        module=kernels,
        args=(*points(), there),
        irreps_in=(POINTS, ROWS, ROWS),
        irreps_out=CORRECTED,
        claims=(*PLANE, "permutation"),
        contracts=layers_of(kernels, CORRECTED),
        description="the corrected kernels of CPRFA: the in-plane rotation as sine and cosine across the two sets",
    )


def points() -> tuple[Tensor, Tensor]:
    """Returns observed points, pixels, and points of a model that they belong to, [16, 2] each."""
    generator = torch.Generator().manual_seed(SEED)
    model = 20 * torch.randn(_VERTICES, 2, generator=generator, dtype=torch.float64)
    noise = torch.randn(_VERTICES, 2, generator=generator, dtype=torch.float64)
    turned = model @ torch.tensor([[0.96, 0.28], [-0.28, 0.96]], dtype=torch.float64)
    return 1.3 * turned + torch.tensor([30.0, -20.0], dtype=torch.float64) + noise, model
