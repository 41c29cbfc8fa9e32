"""NumPy arrays become tensors; atoms of ASE and frames are refused with the line that passes them as tensors."""

import numpy as np
import pytest
import torch

import equivariance as eq
from equivariance.contracts.nested import with_arrays_as_tensors, with_tensors
from equivariance.errors import ContractError
from tests.equivariance.helpers.specimens import normal

POINTS = normal(6, 3).numpy()


def energy(positions, numbers):
    return (torch.cdist(positions, positions) * numbers).sum()


def test_arrays_are_taken_for_tensors_wherever_they_are():
    assert eq.check(energy, (POINTS, np.arange(6)), group="e3", samples=2).ok
    assert eq.check(energy, (POINTS, np.arange(6)), ("cartesian_points", None), None, group="e3", samples=2).ok
    report = eq.check(lambda data: data["pos"][0], ({"pos": [POINTS]},), group="e3", samples=2)
    assert report.ok
    assert any(line.startswith("data['pos'][0] [6, 3]: cartesian_points") for line in report.assumptions)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("float64", torch.float64),
        ("int32", torch.int32),
        ("bool", torch.bool),
        ("uint8", torch.uint8),
        ("uint32", torch.int64),
    ],
)
def test_arrays_keep_their_kind_of_numbers_and_share_no_memory(dtype, expected):
    array = np.ones(3, dtype)
    found = with_arrays_as_tensors({"a": (array, "text", None)})["a"]
    assert found[0].dtype == expected
    found[0].zero_()
    assert array.all()
    assert found[1:] == ("text", None)


def test_a_value_without_arrays_is_returned_itself():
    value = {"a": [torch.ones(2)], "b": np.array(["text"])}
    assert with_arrays_as_tensors(value) is value


def test_tensors_are_replaced_at_their_paths_only():
    value = {"a": [torch.ones(2), torch.ones(3)], "b": torch.ones(1)}
    made = with_tensors(value, {("a", 1): torch.zeros(3)})
    assert made["a"][0] is value["a"][0]
    assert made["b"] is value["b"]
    assert made["a"][1].sum() == 0
    assert value["a"][1].sum() == 3


class Rotations:
    """Rotations as OpenFold keeps them."""

    def __init__(self, rot_mats):
        self._rot_mats = rot_mats

    def get_rot_mats(self):
        return self._rot_mats


class Rigid:
    """Frames of the kind of OpenFold: a rotation object, and methods that return the parts."""

    def __init__(self, rots, trans):
        self._rots, self._trans = rots, trans

    def get_rots(self):
        return self._rots

    def get_trans(self):
        return self._trans


class Plain:
    """Frames with two attributes, both tensors."""

    def __init__(self, rots, trans):
        self._rots, self._trans = rots, trans


class Methods:
    """Frames whose methods return tensors."""

    def __init__(self, rots, trans):
        self.parts = rots, trans

    def get_rots(self):
        return self.parts[0]

    def get_trans(self):
        return self.parts[1]


MATRICES, PLACES = torch.linalg.qr(normal(5, 3, 3)).Q, normal(5, 3, seed=1)
FRAMES = {
    "OpenFold": Rigid(Rotations(MATRICES), PLACES),
    "attributes": Plain(MATRICES, PLACES),
    "methods": Methods(MATRICES, PLACES),
}


def parts_of(frames):
    rots = frames.get_rots() if hasattr(frames, "get_rots") else frames._rots
    trans = frames.get_trans() if hasattr(frames, "get_trans") else frames._trans
    return rots if isinstance(rots, torch.Tensor) else rots.get_rot_mats(), trans


def local(frames):
    rots, trans = parts_of(frames)
    return torch.einsum("nij,ni->nj", rots, trans - trans.mean(0)).norm(dim=1)


def along_an_axis(frames):
    return local(frames) + (parts_of(frames)[1] - parts_of(frames)[1].mean(0))[:, 2]


def pasted(error, **names):
    """Returns the value of the line that an error says to write."""
    line = error.value.expected.partition("write ")[2].partition(", with a model")[0]
    return eval(line, {"diagnose": eq.diagnose, "eq": eq, "torch": torch, **names})


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("model", [local, along_an_axis])
def test_the_line_that_refuses_frames_runs(name, model):
    frames = FRAMES[name]
    with pytest.raises(ContractError, match="expected tensors: write diagnose") as error:
        eq.diagnose(model, (frames,), group="so3")
    report = pasted(error, model=model, frames=frames, Rigid=Rigid, Rotations=Rotations, Plain=Plain, Methods=Methods)
    verdict = {v.symmetry: v.verdict for v in report.verdicts}["rotation"]
    assert verdict == ("holds" if model is local else "broken"), report


def test_frames_in_a_list_are_refused_too():
    with pytest.raises(ContractError, match=r"frames.get_rots\(\)"):
        eq.check(lambda frames, x: x, ([FRAMES["methods"]], normal(4, 3)), group="so3", samples=1)


def sizes(clouds):
    return torch.stack([torch.cdist(cloud, cloud).sum() for cloud in clouds.unbind()])


def heights(clouds):
    return torch.stack([cloud[:, 2].square().sum() for cloud in clouds.unbind()])


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("layout", [torch.jagged, torch.strided])
@pytest.mark.parametrize("irreps_in", [None, "cartesian_points"])
@pytest.mark.parametrize("model", [sizes, heights])
def test_nested_tensors_are_refused_with_a_line_that_runs(layout, irreps_in, model):
    nested = torch.nested.nested_tensor([normal(5, 3), normal(8, 3, seed=1)], layout=layout)
    declared = {} if irreps_in is None else {"irreps_in": irreps_in}
    with pytest.raises(ContractError, match=r"nested tensor.*expected a list of samples: write diagnose") as error:
        eq.diagnose(model, (nested,), **declared)
    report = pasted(error, model=model, clouds=nested)
    found = {v.symmetry: v.verdict for v in report.verdicts}
    assert found["rotation"] == ("holds" if model is sizes else "broken"), report
    assert found["permutation"] == found["batch"] == "holds"
