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


class Rigid:
    def __init__(self):
        self._rots, self._trans = torch.eye(3), torch.zeros(3)


class Methods:
    def get_rots(self):
        return torch.eye(3)

    def get_trans(self):
        return torch.zeros(3)


@pytest.mark.parametrize("frames", [Rigid(), Methods(), [Rigid()]])
def test_frames_are_refused_with_the_line_to_write(frames):
    words = r"frames.*expected tensors: write diagnose\(lambda rots, trans: .*frames.get_rots\(\).get_rot_mats\(\)"
    with pytest.raises(ContractError, match=words):
        eq.check(lambda frames, x: x, (frames, normal(4, 3)), group="so3", samples=1)


def test_frames_can_be_passed_as_the_line_says():
    def local(rots, trans):
        return torch.einsum("nij,ni->nj", rots, trans - trans.mean(0)).norm(dim=1) + (rots @ rots.mT).sum((1, 2))

    report = eq.check(
        local, (torch.linalg.qr(normal(5, 3, 3)).Q, normal(5, 3, seed=1)),
        (eq.CartesianTensor((-2,)), "cartesian_points"), None, group="se3", samples=2,
    )  # fmt: skip
    assert report.ok, report
