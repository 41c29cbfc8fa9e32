"""A small network with settings, as a network of the zoo declares them."""

from dataclasses import dataclass, field

import torch
from torch import nn

from equivariance_zoo.training.fields import check_fields, from_tables, setting
from equivariance_zoo.training.seeds import seeded
from equivariance_zoo.training.trained import Checkpoints


@dataclass(frozen=True)
class Net:
    width: int = setting(4)
    kind: str = setting("relu", choices=("relu", "tanh"))
    bias: bool = setting(True)

    def __post_init__(self):
        check_fields(self)


@dataclass(frozen=True)
class Training:
    epochs: int = setting(3)
    batch_size: int = setting(1)
    rate: float = setting(0.01, above=0)
    decay: float = setting(0.0)
    average: float = setting(0.0, below=1)
    seed: int = setting(0, least=0)
    folder: str | None = setting(None)

    def __post_init__(self):
        check_fields(self)


@dataclass(frozen=True)
class Settings:
    name: str = setting("toy", choices=("toy", "other"))
    net: Net = field(default_factory=Net)
    training: Training = field(default_factory=Training)

    def __post_init__(self):
        check_fields(self)


def read(settings):
    return from_tables(Settings, "settings", settings)


def build(settings):
    with seeded(settings.training.seed):
        return nn.Linear(2, settings.net.width, bias=settings.net.bias)


CHECKPOINTS = Checkpoints("toy", read, build, tag="toy-1")
POINTS = torch.tensor([[1.0, 2.0]])
