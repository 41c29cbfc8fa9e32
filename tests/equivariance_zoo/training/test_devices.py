import pytest
import torch

from equivariance_zoo.training.devices import chosen_device


def test_a_device_is_chosen_by_name():
    assert chosen_device("cpu") == torch.device("cpu")
    assert chosen_device(None).type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"device: expected cpu.*, got cuda:99"):
        chosen_device("cuda:99")
