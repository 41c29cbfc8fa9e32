"""Settings of a training: the data, the network and the minimization. It reads TOML and trains nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from equivariance_zoo.steerable3d.config import NetworkConfig
from equivariance_zoo.training.fields import check_fields, from_tables, merged, setting
from equivariance_zoo.training.settings import read_named, shown

_MOST_VOXELS = 2**27
"""Voxels of all copies of one shape: 512 MiB, in float32."""

BUILT_IN = Path(__file__).parent / "data"
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

    kind: str = setting(choices=KINDS)
    folder: str | None = setting(None)
    size: int = setting(20)
    copies: int = setting(8)
    rotations: int = setting(25)

    def __post_init__(self) -> None:
        """Checks every setting."""
        check_fields(self)
        if (self.folder is None) != (self.kind == "tetris"):
            expected = "none for tetris" if self.kind == "tetris" else f"a folder for {self.kind}"
            raise ValueError(f"folder: expected {expected}, got {shown(self.folder)}")
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

    epochs: int = setting(60)
    batch: int = setting(8)
    rate: float = setting(0.01, above=0)
    decay: float = setting(0.0)
    seed: int = setting(0, least=0)
    dense: bool = setting(False)

    def __post_init__(self) -> None:
        """Checks every setting."""
        check_fields(self)


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
        found: Run = from_tables(cls, "settings", settings)
        return found

    @classmethod
    def read(cls, name: str | Path, given: Mapping[str, Any] | None = None) -> Run:
        """Reads a configuration file in TOML, or a built-in one by its name: "tetris".

        Args:
            name: The file or the name.
            given: Tables of settings that replace those of the file.

        Raises:
            ValueError: If the file does not exist, or its settings are invalid.
        """
        return cls.from_dict(merged(read_named("config", name, BUILT_IN), given or {}))

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as plain values."""
        return asdict(self)
