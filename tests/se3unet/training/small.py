"""Small faces and settings that a training of seconds can use."""

from dataclasses import replace

import torch

from equivariance_zoo import faces
from equivariance_zoo.faces import FaceSet
from equivariance_zoo.landmarks.losses import LossSettings
from se3unet.config import SE3UnetConfig
from se3unet.training.settings import Settings, TrainingSettings

POINTS = 64
UNET = SE3UnetConfig(
    levels=2, channels=(2, 3, 3), max_degree=1, neighbours=6, blocks=1, pool_ratio=0.6, pooling="mean", head_width=8
)


def small_faces(count=10):
    """Coarse faces, each a built-in one stretched a little."""
    shipped = faces.sample(4)
    numbers = torch.arange(count) % 4
    stretch = 1 + 0.1 * torch.rand(count, 1, 3, generator=torch.Generator().manual_seed(0))
    positions = shipped.positions[numbers] * stretch
    return FaceSet(
        positions=positions[:, :POINTS].contiguous(),
        landmarks=shipped.landmarks[numbers] * stretch,
        surface=positions,
        unit_mm=shipped.unit_mm[numbers],
        subjects=tuple(f"s{number}" for number in range(count)),
        expressions=count * ("neutral",),
        source="test",
    )


def small_settings(**training):
    common = {"epochs": 2, "batch": 2, "rate": 1e-2, "cycle": 2, "average": 0.5, "validation": 0.2}
    return Settings(unet=UNET, loss=LossSettings("cross_entropy"), training=TrainingSettings(**{**common, **training}))


def small_toml(settings):
    """The settings as a file."""
    tables = settings.to_dict()
    lines = [f'network = "{tables.pop("network")}"']
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines)


def _toml(value):
    return repr(list(value)) if isinstance(value, tuple) else repr(value).replace("'", '"')


def changed(settings, **training):
    return replace(settings, training=replace(settings.training, **training))
