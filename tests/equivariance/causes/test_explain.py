"""Why a layer breaks: each cause on layers that are broken in just this way."""

import pytest
import torch
from torch import nn

import equivariance as eq
from equivariance import CartesianPoints, Irreps, NodeIndices
from equivariance.groups import rotation
from tests.equivariance.helpers.specimens import Applied, Scale, Stack, normal, relative

pytestmark = pytest.mark.numeric

POINTS = normal(12, 3)
VECTORS = normal(6, 4, 3)


def found(function, irreps_out="1x1o", irreps_in="1x1o", inputs=VECTORS, group="so3", samples=4):
    report = eq.check(function, inputs, irreps_in, irreps_out, group=group, samples=samples)
    return [(f.symmetry, f.cause) for f in report.findings], report


# Rotation


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + 0.3,
        torch.relu,
        torch.tanh,
        lambda x: nn.functional.layer_norm(x, (3,)),
        lambda x: x[..., [1, 2, 0]] * torch.tensor([1, 1, -1.0]).to(x),
        lambda x: x.cumsum(-1),
        lambda x: x.sign(),
    ],
    ids=["bias", "relu", "tanh", "layer norm", "shuffle", "sum", "sign"],
)
def test_components_that_are_treated_one_by_one_are_mixed(function):
    assert found(function)[0] == [("rotation", "component-mixing")]


@pytest.mark.parametrize("axis", range(3))
def test_a_built_in_axis_is_named(axis):
    factor = torch.ones(3, dtype=torch.float64)
    factor[axis] = 2
    causes, report = found(lambda x: x * factor.to(x))
    assert causes == [("rotation", "frame-dependent")]
    assert f"axis {'xyz'[axis]} is built in" in report.findings[0].evidence


def test_a_polar_angle_depends_on_the_frame():
    causes, _ = found(lambda x: torch.atan2(x[..., :2].norm(dim=-1), x[..., 2]), None)
    assert causes == [("rotation", "frame-dependent")]


@pytest.mark.parametrize(
    ("irreps", "function", "words"),
    [
        ("1x1o", lambda x: x.norm(dim=-1, keepdim=True).expand(*x.shape), "does not change at all"),
        ("3x0e", lambda x: x, ""),
        ("1x2e", lambda x: torch.cat([x, x[..., :2]], -1), ""),
    ],
)
def test_a_law_other_than_the_declared_one(irreps, function, words):
    causes, report = found(function, irreps)
    assert [s for s, _ in causes] == ["rotation"]
    if words:
        assert causes == [("rotation", "wrong-irrep")]
        assert words in report.findings[0].evidence


class Frame(nn.Module):
    """Rotations about z, given as matrices: one is applied, or its transpose."""

    def __init__(self, transpose):
        super().__init__()
        self.transpose = transpose

    def forward(self, x):
        first, second = x[:, 0], x[:, 1]
        u = first / first.norm(dim=-1, keepdim=True)
        v = second - (second * u).sum(-1, keepdim=True) * u
        v = v / v.norm(dim=-1, keepdim=True)
        frame = torch.stack([u, v, torch.linalg.cross(u, v)], -1)
        return frame.transpose(-1, -2) if self.transpose else frame


def test_a_frame_is_vectors_by_columns_and_not_by_rows():
    class Columns(Frame):
        def forward(self, x):
            return super().forward(x).transpose(-1, -2)

    assert found(Columns(False), "1x1e")[0] == []
    assert [s for s, _ in found(Columns(True), "1x1e")[0]] == ["rotation"]


def test_the_inverse_rotation_is_recognized():
    """A layer that should turn its output with R and turns it with R^T."""
    reference = VECTORS.double()

    def function(x):
        matrix = torch.linalg.lstsq(reference.reshape(-1, 3), x.double().reshape(-1, 3)).solution.T
        return (reference @ matrix).to(x)

    causes, report = found(function)
    assert causes == [("rotation", "wrong-irrep")]
    assert "R^T" in report.findings[0].evidence


def test_a_matrix_of_the_wrong_order_is_wrong():
    causes, _ = found(lambda x: torch.cat([x.square().sum(-1, keepdim=True), x], -1)[..., [1, 0, 2, 3]], "1x0e+1x1o")
    assert [s for s, _ in causes] == ["rotation"]


def test_l1_in_the_order_of_old_e3nn_is_wrong():
    causes, _ = found(lambda x: x[..., [1, 2, 0]], "1x1o")
    assert causes == [("rotation", "component-mixing")]


# Inversion


def cross(x):
    return torch.linalg.cross(x, x.roll(1, -2), dim=-1)


def test_a_cross_product_declared_as_a_vector_breaks_inversion_only():
    causes, report = found(cross, "1x1o", group=["e3", "permutation"])
    assert causes == [("inversion", "wrong-irrep")]
    assert "opposite under inversion, and rotations are respected" in report.findings[0].evidence
    assert report.findings[0].error == pytest.approx(2)
    assert found(cross, "1x1e", group="e3")[0] == []


def test_a_vector_plus_a_pseudovector_mixes_parities():
    causes, report = found(lambda x: x + cross(x), group="o3")
    assert causes == [("inversion", "wrong-irrep")]
    assert "mixed" in report.findings[0].evidence


def test_a_triple_product_is_a_pseudoscalar():
    def volume(x):
        return (cross(x) * x.roll(2, -2)).sum(-1)

    assert found(volume, None, group="o3")[0] == [("inversion", "wrong-irrep")]
    assert found(lambda x: volume(x).unsqueeze(-1), "1x0o", group="o3")[0] == []


# Translation


def test_an_absolute_position_is_named_with_its_share():
    causes, report = found(lambda x: relative(x) + 0.25 * x, irreps_in="cartesian_points", inputs=POINTS, group="se3")
    assert causes == [("translation", "absolute-position")]
    assert "carries 0.250 t" in report.findings[0].evidence
    assert "|t|^1.00" in report.findings[0].evidence


@pytest.mark.parametrize(
    "function",
    [lambda x: x.norm(dim=-1), lambda x: (x[:, None] * x).sum(-1), lambda x: relative(x).norm(dim=-1) / x.norm(dim=-1)],
    ids=["norm", "gram", "ratio"],
)
def test_distances_to_the_origin_break_translation_only(function):
    causes, _ = found(function, None, "cartesian_points", POINTS, "e3")
    assert causes == [("translation", "absolute-position")]


@pytest.mark.parametrize("factor", [2.0, 0.0, -1.0])
def test_points_that_do_not_follow_the_translation(factor):
    causes, _ = found(lambda x: x * factor + relative(x), "cartesian_points", "cartesian_points", POINTS, "se3")
    assert causes == [("translation", "absolute-position")]


@pytest.mark.parametrize(
    "function", [lambda x: x, lambda x: x + relative(x), lambda x: x.mean(0, keepdim=True).expand(*x.shape)]
)
def test_points_may_follow(function):
    assert found(function, "cartesian_points", "cartesian_points", POINTS, ["e3", "permutation"])[0] == []


def test_a_break_of_six_millionths_is_found():
    """As by an epsilon under a root that is not where it should be: the same in float32 and in float64."""
    for group, function in (
        ("so3", lambda x: x + 6e-6 * x.abs()),
        ("translation", lambda x: relative(x) * (1 + 6e-6 * torch.tanh(x[:, :1]))),
    ):
        inputs, spec = (VECTORS, "1x1o") if group == "so3" else (POINTS, "cartesian_points")
        for dtype in (torch.float32, torch.float64):
            causes, report = found(function, "1x1o", spec, inputs.to(dtype), group)
            assert len(causes) == 1, report
            assert report.findings[0].error < 1e-4


def test_a_constant_in_float32_stalls_float64():
    third = float(torch.tensor(1 / 3, dtype=torch.float32))

    def function(x):
        return x - third * (x[0] + x[1] + x[2])

    causes, report = found(function, "1x1o", "cartesian_points", POINTS[:3].double(), "translation")
    assert causes == [("translation", "precision")], report
    assert "float32" in report.findings[0].evidence
    single, report = found(function, "1x1o", "cartesian_points", POINTS[:3], "translation")
    assert single == [], report
    assert any(note.cause == "precision" for note in report.notes), report


# Order


def test_the_number_of_a_node_used_as_data():
    causes, _ = found(lambda x: x * torch.arange(1, 7).to(x)[:, None, None], group=["e3", "permutation"])
    assert causes == [("permutation", "order-dependent")]


@pytest.mark.parametrize(
    "function",
    [lambda x: x[0], lambda x: x.cumsum(0), lambda x: x.roll(1, 0), lambda x: x - x[:1]],
    ids=["first", "cumulative", "next", "minus first"],
)
def test_neighbours_by_number_are_order_dependent(function):
    spec = Irreps("1x1o", nodes=None) if function(VECTORS).dim() == 2 else "1x1o"
    assert found(function, spec, group=["so3", "permutation"])[0] == [("permutation", "order-dependent")]


def nearest(x):
    return torch.cdist(x, x).topk(4, largest=False).indices[:, 1:]


def test_node_numbers_follow_the_permutation():
    assert found(nearest, NodeIndices(), "cartesian_points", POINTS.double(), ["e3", "permutation"])[0] == []
    assert found(nearest, None, "cartesian_points", POINTS.double(), "permutation")[0] == [
        ("permutation", "order-dependent")
    ]


def test_neighbours_sorted_along_an_axis_are_order_dependent_under_rotation():
    def by_x(x):
        index = nearest(x)
        return index.gather(1, x[index][..., 0].argsort(1))

    inputs = POINTS.double()
    causes, report = found(by_x, NodeIndices(), "cartesian_points", inputs)
    assert causes == [("rotation", "order-dependent")], report
    assert found(by_x, NodeIndices(unordered=True), "cartesian_points", inputs)[0] == []


# Batch


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x - x.mean((0, 1), keepdim=True),
        lambda x: x / x.norm(dim=-1, keepdim=True).max(),
        lambda x: x + x.flip(0),
        lambda x: x[:1].expand(*x.shape),
    ],
    ids=["mean", "largest", "mirror", "first"],
)
def test_samples_that_see_each_other_are_coupled(function):
    spec = Irreps("1x1o", nodes=1, batch=0)
    causes, report = found(function, spec, spec, group=["so3", "batch"])
    assert causes == [("batch", "batch-coupled")], report


def test_batch_axes_may_lie_anywhere():
    spec = Irreps("1x1o", nodes=0, batch=1)
    assert found(lambda x: x - x.mean(0), spec, spec, group=["permutation", "batch"])[0] == []
    assert found(lambda x: x - x.mean(1, keepdim=True), spec, spec, group=["permutation", "batch"])[0] == [
        ("batch", "batch-coupled")
    ]


def test_a_single_sample_is_repeated_to_see_its_company():
    spec = Irreps("1x1o", nodes=1, batch=0)
    causes, _ = found(lambda x: x * x.square().sum(), spec, spec, VECTORS[:1], "batch")
    assert causes == [("batch", "batch-coupled")]


# Rounding


def test_an_ill_conditioned_sound_layer_is_no_finding():
    def cancel(x):
        return (relative(x) + 1e9 * x.mean(0)) - 1e9 * x.mean(0)

    for dtype in (torch.float32, torch.float64):
        causes, report = found(cancel, "1x1o", "1x1o", POINTS.to(dtype), group=["o3", "permutation"], samples=8)
        assert causes == [], report
    assert any(note.cause == "ill-conditioned" for note in report.notes), report


def test_the_farthest_point_of_a_sphere_is_a_tie():
    """All distances are equal up to rounding: which one is the largest is chance, and no bug."""

    def farthest(x):
        return x[x.norm(dim=-1).argmax()]

    sphere = nn.functional.normalize(normal(20, 3), dim=-1)
    spec = CartesianPoints(nodes=None)
    causes, report = found(farthest, Irreps("1x1o", nodes=None), "1x1o", sphere, samples=8)
    assert causes == [], report
    assert {note.cause for note in report.notes} == {"discrete-tie"}, report
    assert spec.nodes is None


def test_a_selection_that_is_clear_is_no_tie():
    causes, report = found(lambda x: x[x.norm(dim=-1).argmax()], Irreps("1x1o", nodes=None), "1x1o", POINTS, samples=8)
    assert causes == []
    assert report.notes == []


def test_a_selection_by_an_axis_is_a_break_and_no_tie():
    causes, _ = found(lambda x: x[x[:, 2].argmax()], Irreps("1x1o", nodes=None), "1x1o", POINTS, samples=8)
    assert [s for s, _ in causes] == ["rotation"]


def test_neighbours_at_equal_distances_tie():
    grid = torch.cartesian_prod(*[torch.arange(3.0)] * 3)
    causes, report = found(nearest, NodeIndices(unordered=True), "cartesian_points", grid, samples=8)
    assert {note.cause for note in report.notes} <= {"discrete-tie"}
    assert causes in ([], [("rotation", "component-mixing")], [("rotation", "order-dependent")]), report


def test_the_cause_does_not_depend_on_what_else_is_broken():
    first = Applied(lambda x: x + 0.1)
    report = eq.diagnose(Stack(Scale(), first, Applied(torch.relu)), VECTORS, "1x1o", "1x1o", group="so3", samples=4)
    assert {(layer, f.cause) for f in report.findings for layer in f.layers} == {
        ("layers.1", "component-mixing"),
        ("layers.2", "component-mixing"),
    }


def test_a_layer_sound_about_one_axis_only_is_told_by_the_axis():
    turn = torch.tensor(rotation([0, 0, 0.3]).matrix)
    causes, _ = found(lambda x: x @ turn.to(x))
    assert causes == [("rotation", "frame-dependent")]
