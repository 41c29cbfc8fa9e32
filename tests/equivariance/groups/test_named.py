"""The names of groups, and the symmetries that they are made of."""

import json

from equivariance.groups import NAMED_GROUPS, SYMMETRIES, Symmetry, groups_of


def test_a_symmetry_is_its_name():
    assert Symmetry.ROTATION == "rotation"
    assert f"{Symmetry.ROTATION}" == str(Symmetry.ROTATION) == "rotation"
    assert json.dumps(Symmetry.ROTATION) == '"rotation"'
    assert {"rotation": 1}[Symmetry.ROTATION] == 1
    assert tuple(Symmetry) == SYMMETRIES


def test_a_symmetry_moves_space_or_reorders_entries():
    assert [str(s) for s in Symmetry if s.is_motion] == ["translation", "rotation", "inversion", "mirror"]
    assert [str(s) for s in Symmetry if s.is_reordering] == ["permutation", "batch"]


def test_the_groups_of_a_name_come_in_the_order_of_the_reports():
    for name, symmetries in NAMED_GROUPS.items():
        assert tuple(g.symmetry for g in groups_of(name)) == symmetries
    assert [g.symmetry for g in groups_of(["batch", "e3"])] == ["translation", "rotation", "inversion", "batch"]
