"""aqlaboratory/openfold: invariant point attention on frames of residues."""

from __future__ import annotations

from typing import Any
from unittest import mock

import torch
from torch import Tensor

from nightly_tests.cloned.example import Example, Law
from nightly_tests.cloned.importing import bare, empty

bare("openfold", "openfold.model", "openfold.np", "openfold.utils")
empty("openfold.np.protein")
empty("attn_core_inplace_cuda")

import openfold.utils.rigid_utils as frames  # noqa: E402
from openfold.model.structure_module import InvariantPointAttention  # noqa: E402

RESIDUES = Law(nodes=1, samples=0)


class Double:
    """PyTorch, with float64 under the name of float32: the code casts every frame to float32."""

    float32 = torch.float64

    def __getattr__(self, name: str) -> Any:
        """All else."""
        return getattr(torch, name)


def rigid(t: dict[str, Tensor]) -> frames.Rigid:
    """Frames of residues."""
    return frames.Rigid(frames.Rotation(rot_mats=t["rotations"]), t["translations"])


def attention() -> Example:
    """Two chains of seven residues."""
    module = InvariantPointAttention(c_s=12, c_z=6, c_hidden=4, no_heads=2, no_qk_points=2, no_v_points=3)
    turned = torch.linalg.qr(torch.randn(2, 7, 3, 3))[0]
    tensors = {
        "s": torch.randn(2, 7, 12), "z": torch.randn(2, 7, 7, 6), "rotations": turned * turned.det()[..., None, None],
        "translations": 3 * torch.randn(2, 7, 3), "mask": torch.ones(2, 7),
    }  # fmt: skip
    laws = {
        "s": RESIDUES, "z": Law(nodes=(1, 2), samples=0), "rotations": Law("vector", axis=-2, nodes=1, samples=0),
        "translations": Law("point", nodes=1, samples=0), "mask": RESIDUES,
    }  # fmt: skip
    return Example(
        module, tensors, laws, pack=lambda t: (t["s"], t["z"], rigid(t), t["mask"]), unpack=lambda out: (out,),
        results=(RESIDUES,), in_double=lambda: mock.patch.object(frames, "torch", Double()),
    )  # fmt: skip


CASES = {"InvariantPointAttention": attention}
