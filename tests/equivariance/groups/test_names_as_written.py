"""Names of groups as people write them."""

import numpy as np
import pytest

from equivariance.errors import ChoiceError
from equivariance.groups import groups_of


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("SE(3)", "se3"), ("se-3", "se3"), ("SO3", "so3"), ("O3", "o3"), ("E(3)", "e3"), ("rotation", "so3"),
        ("Rotations", "so3"), ("Permutation", "permutation"), ("S_n", "permutation"), ("Batch", "batch"),
    ],
)  # fmt: skip
def test_a_name_may_be_written_in_several_ways(written, name):
    assert groups_of(written) == groups_of(name)


@pytest.mark.parametrize(("name", "order"), [("c4", 4), ("C_4", 4), ("c2", 2), ("C8", 8), ("c6", 6)])
def test_turns_about_z(name, order):
    (group,) = groups_of(name)
    elements = group.draw(8, 0, None)
    assert len(elements) == order - 1
    for i, element in enumerate(elements, 1):
        angle = 2 * np.pi * i / order
        assert np.allclose(element.array[:2, 0], [np.cos(angle), np.sin(angle)])
        assert np.allclose(element.array[2], [0, 0, 1])


def test_quarter_turns_are_exact():
    (group,) = groups_of("c4")
    assert all(number in (-1, 0, 1) for element in group.elements for row in element.matrix for number in row)


@pytest.mark.parametrize("name", ["c1", "c", "so4", "rotate", ""])
def test_other_names_are_refused_with_the_choices(name):
    with pytest.raises(ChoiceError, match=r"one of batch, e2, e3.*permutation.*se3"):
        groups_of(name)
