"""escnn: fields on the plane, on points, and without a base space. Nothing is declared; the groups are its own."""

from __future__ import annotations

import torch
from escnn import group, gspaces
from escnn import nn as enn

import equivariance as eq
from equivariance.adapters.escnn import group_of


class Mixing(enn.EquivariantModule):
    """A break to be found: ReLU on the components of irreps."""

    def __init__(self, fields: enn.FieldType) -> None:
        """The same fields in and out."""
        super().__init__()
        self.in_type = self.out_type = fields

    def forward(self, given: enn.GeometricTensor) -> enn.GeometricTensor:
        """ReLU."""
        return enn.GeometricTensor(torch.relu(given.tensor), self.out_type)

    def evaluate_output_shape(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        """As it comes."""
        return input_shape


def planted() -> eq.Report:
    """Between two convolutions on C4."""
    space = gspaces.rot2dOnR2(4)
    given, fields = enn.FieldType(space, [space.trivial_repr]), enn.FieldType(space, 2 * [space.irrep(1)])
    layers = [enn.R2Conv(given, fields, 3, padding=1), Mixing(fields), enn.R2Conv(fields, given, 3, padding=1)]
    return eq.diagnose(enn.SequentialModule(*layers), given(torch.randn(2, 1, 7, 7)), group=group_of(space))


def images(gspace: gspaces.GSpace2D) -> eq.Report:
    """Two convolutions with batch normalization and ReLU between them, on 7 x 7 images."""
    given = enn.FieldType(gspace, [gspace.trivial_repr, gspace.irrep(1) if gspace.fibergroup.order() == 4 else
                                   gspace.irrep(1, 1)])  # fmt: skip
    hidden = enn.FieldType(gspace, 3 * [gspace.regular_repr])
    network = enn.SequentialModule(
        enn.R2Conv(given, hidden, 3, padding=1), enn.InnerBatchNorm(hidden), enn.ReLU(hidden),
        enn.R2Conv(hidden, given, 3, padding=1),
    )  # fmt: skip
    x = given(torch.randn(2, given.size, 7, 7))
    return eq.diagnose(network, x, group=group_of(gspace))


def linear(name: str) -> eq.Report:
    """Two linear layers with a norm nonlinearity between them, for SO(3) and O(3)."""
    acting = group.so3_group(2) if name == "so3" else group.o3_group(2)
    gspace = gspaces.no_base_space(acting)
    vector = gspace.irrep(1) if name == "so3" else gspace.irrep(1, 1)
    fields = enn.FieldType(gspace, 2 * [gspace.trivial_repr, vector])
    network = enn.SequentialModule(enn.Linear(fields, fields), enn.NormNonLinearity(fields), enn.Linear(fields, fields))
    return eq.diagnose(network, fields(torch.randn(6, fields.size)), group=group_of(gspace), samples=4)


CASES = {
    "R2Conv, InnerBatchNorm, ReLU on C4": lambda: images(gspaces.rot2dOnR2(4)),
    "R2Conv, InnerBatchNorm, ReLU on D4": lambda: images(gspaces.flipRot2dOnR2(4)),
    "planted: ReLU on an irrep of C4": planted,
    "Linear, NormNonLinearity on SO(3)": lambda: linear("so3"),
    "Linear, NormNonLinearity on O(3)": lambda: linear("o3"),
}
