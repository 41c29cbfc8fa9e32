from equivariance_zoo.steerable3d.data_sources.datasets import dataset, order
from equivariance_zoo.steerable3d.settings import DataConfig


def test_every_eight_tetris_shapes_are_all_of_them():
    config = DataConfig("tetris", size=8, copies=5)
    labels = dataset(config, "train").tensors[1][list(order(config, 40, seed=1))]
    assert all(sorted(eight.tolist()) == list(range(8)) for eight in labels.split(8))


def test_it_is_another_one_in_every_epoch_and_the_same_again():
    config = DataConfig("cath", folder="somewhere")
    one, other = order(config, 20, seed=0), order(config, 20, seed=0)
    first = list(one)
    one.set_epoch(1)
    assert sorted(first) == sorted(one) == list(range(20))
    assert list(one) != first == list(other)
    other.set_epoch(1)
    assert list(one) == list(other)
    assert len(one) == 20
