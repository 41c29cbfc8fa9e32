"""Settings of a training: the data, the network and the minimization. It reads TOML and trains nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from equivariance_zoo.steerable3d.config import NETWORKS, NetworkConfig
from equivariance_zoo.training.settings import boolean, build, choice, positive, read_toml, shown, table

_MOST_VOXELS = 2**27
"""Voxels of all copies of one shape: 512 MiB, in float32."""

KINDS = ("tetris", "shrec17", "cath", "amino_acid")


@dataclass(frozen=True)
class DataConfig:
    """Settings of the data.

    Attributes:
        kind: "tetris" needs no files; "shrec17" a folder of meshes with its CSV files; "cath" and "amino_acid" a folder
            of structures with `train.csv`, `val.csv` and `test.csv`.
        folder: Folder of the files; None for "tetris".
        size: Voxels along each axis.
        copies: For "tetris", copies of every shape to train on, in one orientation, at places less than a voxel apart.
        rotations: For "tetris", random rotations of every shape to evaluate on.
    """

    kind: str
    folder: str | None = None
    size: int = 20
    copies: int = 8
    rotations: int = 25

    def __post_init__(self) -> None:
        """Checks every setting."""
        choice("kind", self.kind, KINDS)
        if not isinstance(self.folder, str | None):
            raise ValueError(f"folder: expected the name of a folder, got {shown(self.folder)}")
        if (self.folder is None) != (self.kind == "tetris"):
            expected = "none for tetris" if self.kind == "tetris" else f"a folder for {self.kind}"
            raise ValueError(f"folder: expected {expected}, got {shown(self.folder)}")
        for name in ("size", "copies", "rotations"):
            positive(name, getattr(self, name), int)
        voxels = self.size**3 * (max(self.copies, self.rotations) if self.kind == "tetris" else 1)
        if voxels > _MOST_VOXELS:
            raise ValueError(
                f"size: expected at most {_MOST_VOXELS:,} voxels of a shape and its copies, got {voxels:,}"
            )


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of the minimization.

    Attributes:
        epochs: Passes over the data.
        batch: Number of samples of a step.
        rate: Step size of Adam at the start; it falls to zero as a cosine over the steps.
        decay: Weight decay, decoupled.
        seed: Seed of the weights and of the order of the samples.
        dense: If True, the ordinary CNN of the same channels replaces the steerable network.
    """

    epochs: int = 60
    batch: int = 8
    rate: float = 0.01
    decay: float = 0.0
    seed: int = 0
    dense: bool = False

    def __post_init__(self) -> None:
        """Checks every setting."""
        for name in ("epochs", "batch"):
            positive(name, getattr(self, name), int)
        positive("rate", self.rate, float)
        boolean("dense", self.dense)
        positive("decay", self.decay, float, or_zero=True)
        positive("seed", self.seed, int, or_zero=True)


@dataclass(frozen=True)
class Run:
    """All settings of a training."""

    data: DataConfig
    network: NetworkConfig
    training: TrainingConfig = field(default_factory=TrainingConfig)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Run:
        """Builds the settings from plain values, such as those of `to_dict` or of a configuration file.

        `network` may name one of the paper's networks: {"name": "tetris", "classes": 8}.

        Raises:
            ValueError: If a key is unknown or missing, or a value out of range.
        """
        known, missing = {"data", "network", "training"}, {"data", "network"} - set(settings)
        if set(settings) - known or missing:
            raise ValueError(f"settings: expected the tables data, network and (if any) training, got "
                             f"{', '.join(settings) or 'none'}")  # fmt: skip
        return cls(
            build(DataConfig, "data", settings["data"]),
            _network(settings["network"]),
            build(TrainingConfig, "training", settings.get("training", {})),
        )

    @classmethod
    def read(cls, path: Path) -> Run:
        """Reads a configuration file in TOML.

        Raises:
            ValueError: If the file does not exist, or its settings are invalid.
        """
        if not path.is_file():
            raise ValueError(f"config: expected a file in TOML, got {path}")
        return cls.from_dict(read_toml("config", path))

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as plain values."""
        return asdict(self)


def _network(settings: Any) -> NetworkConfig:
    if isinstance(settings, Mapping) and "name" in settings:
        rest = {key: value for key, value in settings.items() if key != "name"}
        known = isinstance(settings["name"], str) and settings["name"] in NETWORKS
        if not known or set(rest) - {"classes"}:
            expected = f"a name among {', '.join(NETWORKS)} and (if any) classes"
            raise ValueError(f"network: expected {expected}, got {shown(settings)}")
        return NETWORKS[settings["name"]](**rest)
    return NetworkConfig.from_dict(table("network", settings))
