"""escnn's tensors and modules, by the elements of their own groups."""

import numpy as np
import pytest
import torch
from escnn import group, gspaces
from escnn import nn as enn

import equivariance as eq
from equivariance.adapters.escnn import Fields, acting_element, group_of
from equivariance.contracts.nested import transform
from equivariance.errors import ArgumentError, ContractError, ForeignElementError
from equivariance.groups import inversion, rotation, translation

pytestmark = pytest.mark.filterwarnings("ignore")  # of the library itself
QUARTER = rotation([0, 0, np.pi / 2])
GRIDS = {
    "C4": (gspaces.rot2dOnR2(4), (5, 5)),
    "D4": (gspaces.flipRot2dOnR2(4), (6, 6)),
    "flips": (gspaces.flip2dOnR2(), (5, 5)),
    "SO(2)": (gspaces.rot2dOnR2(-1), (5, 5)),
    "octahedral": (gspaces.octaOnR3(), (5, 5, 5)),
    "O(3)": (gspaces.flipRot3dOnR3(), (4, 4, 4)),
}


def elements(space):
    drawn = [e for g in group_of(space) for e in getattr(g, "elements", ())]
    return drawn or [rotation([np.pi / 2, 0, 0]), inversion() @ QUARTER]


@pytest.mark.parametrize("name", GRIDS)
def test_grids_move_as_the_library_moves_them(name):
    space, shape = GRIDS[name]
    regular = [] if space.fibergroup.continuous else [space.regular_repr]
    kind = enn.FieldType(space, [space.trivial_repr, space.basespace_action, *regular])
    values = torch.randn(2, kind.size, *shape, dtype=torch.float64)
    for element in elements(space):
        theirs = kind.transform(values, acting_element(space, element))
        assert torch.allclose(Fields(kind).transform(values, element), theirs, atol=1e-6)


class Mixed(enn.EquivariantModule):
    """Broken: ReLU on the components of an irrep."""

    def __init__(self, kind):
        super().__init__()
        self.in_type = self.out_type = kind

    def forward(self, given):
        return enn.GeometricTensor(torch.relu(given.tensor), self.out_type)

    def evaluate_output_shape(self, input_shape):
        return input_shape


def network(broken):
    space = gspaces.rot2dOnR2(4)
    given, vectors = enn.FieldType(space, [space.trivial_repr] * 2), enn.FieldType(space, [space.irrep(1)] * 2)
    middle = Mixed(vectors) if broken else enn.NormNonLinearity(vectors)
    layers = [enn.R2Conv(given, vectors, 3, padding=1), middle, enn.R2Conv(vectors, vectors, 3, padding=1)]
    return enn.SequentialModule(*layers), given(torch.randn(2, 2, 7, 7)), group_of(space)


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_networks_on_images_need_nothing(broken, mode):
    torch.manual_seed(0)
    module, images, own = network(broken)
    report = eq.diagnose(module.train(mode == "train"), images, group=own)
    assert {(layer, symmetry) for f in report.findings for layer in f.layers for symmetry in f.symmetries} == (
        {("1", "rotation")} if broken else set()
    ), report


def test_the_group_of_the_space_is_the_default():
    torch.manual_seed(0)
    for broken in (False, True):
        module, images, _ = network(broken)
        report = eq.diagnose(module, images)
        assert report.symmetries == ("rotation",)
        assert {layer for f in report.findings for layer in f.layers} == ({"1"} if broken else set()), report
    space = gspaces.flipRot3dOnR3(2)
    kind = enn.FieldType(space, [space.trivial_repr])
    report = eq.assert_equivariant(enn.R3Conv(kind, kind, 3, padding=1), kind(torch.randn(1, 1, 5, 5, 5)), samples=2)
    assert report.symmetries == ("rotation", "inversion")


def test_vectors_of_the_plane_in_a_plain_tensor_are_asked_for():
    class Pooled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.images, _ = network(False)

        def forward(self, given):
            fields = self.inner(given)
            return fields.tensor.mean((2, 3)), fields

    torch.manual_seed(0)
    module = Pooled()
    with pytest.raises(ArgumentError, match=r"output\[0\] \[2, 4\].*axis 1 turns by a linear map"):  # 2-D vectors
        eq.diagnose(module, module.images, samples=3)


@pytest.mark.parametrize(("name", "make"), [("so3", group.so3_group), ("o3", group.o3_group)])
def test_fields_without_a_space_turn_with_space(name, make):
    space = gspaces.no_base_space(make(1))
    kind = enn.FieldType(space, [space.irrep(1) if name == "so3" else space.irrep(1, 1), space.trivial_repr])
    values = kind(torch.randn(6, kind.size))
    assert eq.diagnose(enn.Linear(kind, kind), values, group=name, samples=3).ok
    report = eq.diagnose(enn.SequentialModule(enn.Linear(kind, kind), Mixed(kind)), values, group=name, samples=3)
    assert {layer for f in report.findings for layer in f.layers} == {"1"}
    assert {symmetry for f in report.findings for symmetry in f.symmetries} == (
        {"rotation"} if name == "so3" else {"rotation", "inversion"}
    )


def test_points_move_with_their_fields():
    space = gspaces.rot2dOnR2(4)
    kind = enn.FieldType(space, [space.irrep(1)])
    given = enn.GeometricTensor(torch.tensor([[1.0, 0.0]]), kind, torch.tensor([[0.0, 2.0]]))
    moved = transform(given, None, translation([1, 0, 0]) @ QUARTER)
    assert torch.allclose(moved.tensor, torch.tensor([[0.0, 1.0]]), atol=1e-6)
    assert torch.allclose(moved.coords, torch.tensor([[-1.0, 0.0]]), atol=1e-6)


@pytest.mark.parametrize(
    ("element", "words"),
    [
        (rotation([1, 0, 0]), "one that moves the x-y plane within itself"),
        (rotation([0, 0, 1]), "an element of C4"),
        (translation([1, 0, 0]), "no translation"),
        (inversion() @ rotation([0, np.pi, 0]), "an element of C4"),
    ],
)
def test_what_the_group_has_not_is_refused(element, words):
    space = gspaces.rot2dOnR2(4)
    given = enn.FieldType(space, [space.trivial_repr])(torch.randn(1, 1, 5, 5))
    with pytest.raises(ForeignElementError, match=words):
        transform(given, None, element)


def test_angles_that_would_interpolate_are_refused():
    space = gspaces.rot2dOnR2(-1)
    given = enn.FieldType(space, [space.trivial_repr])(torch.randn(1, 1, 5, 5))
    with pytest.raises(ForeignElementError, match="rotations by quarter turns"):
        transform(given, None, rotation([0, 0, 1]))


def test_a_declared_type_must_be_that_of_the_tensor():
    space = gspaces.rot2dOnR2(4)
    one, two = enn.FieldType(space, [space.trivial_repr]), enn.FieldType(space, [space.trivial_repr] * 2)
    with pytest.raises(ContractError, match="expected fields of"):
        eq.check(lambda x: x, one(torch.randn(1, 1, 5, 5)), Fields(two), Fields(two), group=QUARTER)


@pytest.mark.parametrize("place", range(4))
def test_a_break_in_one_of_several_fields_is_found(place):
    space = gspaces.rot2dOnR2(4)
    kind = enn.FieldType(space, [space.irrep(1), space.irrep(1), space.trivial_repr, space.irrep(1)])

    class One(Mixed):
        def forward(self, given):
            values = given.tensor.clone()
            values[:, 2 * place - (place > 2)] *= 2
            return enn.GeometricTensor(values, self.out_type)

    report = eq.diagnose(One(kind), kind(torch.randn(2, 7, 5, 5)), group=group_of(space))
    assert report.ok == (place == 2)
    labels = [part.label for part in Fields(kind).parts(torch.zeros(1, 7, 2, 2))]
    assert labels == ["2x irrep_1", "irrep_0", "irrep_1"]
