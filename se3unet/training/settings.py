"""Settings of a training: the network, the loss and the minimization. It reads TOML and trains nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from equivariance_zoo.landmarks.losses import LossSettings
from equivariance_zoo.training.fields import check_fields, from_tables, merged, setting
from equivariance_zoo.training.settings import read_named
from se3unet.config import SE3UnetConfig

NETWORKS = ("se3unet", "published")
PRECISIONS = ("32-true", "bf16-mixed")
BUILT_IN = Path(__file__).parent.parent / "data"


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of the minimization.

    Attributes:
        epochs: Passes over the faces.
        batch: Number of faces of a batch on each device.
        accumulate: Batches whose gradients are averaged for one step.
        rate: Step size of Adam at the start of each cycle; it falls to zero as a cosine.
        cycle: Epochs of the first cycle of the step size (CosineAnnealingWarmRestarts).
        growth: Ratio of the lengths of a cycle and the cycle before.
        decay: Weight decay, decoupled.
        clip: Largest norm of the gradient; larger gradients are scaled down to it.
        average: Decay of the moving average of the weights, which is validated and kept; 0 keeps the weights.
        precision: "32-true", or "bf16-mixed" for products in bfloat16.
        cuts: Number of additional random cuts of each face, with a small error of the unit, as in scans (see
            `se3unet.training.crops`).
        validation: Fraction of the subjects that is held out for validation.
        seed: Seed of the weights, the order of the faces and the choice of the subjects.
    """

    epochs: int = setting(35)
    batch: int = setting(3)
    accumulate: int = setting(1)
    rate: float = setting(8.5e-5, above=0)
    cycle: int = setting(35)
    growth: int = setting(1)
    decay: float = setting(0.0)
    clip: float = setting(1.0, above=0)
    average: float = setting(0.0, below=1)
    precision: str = setting("32-true", choices=PRECISIONS)
    cuts: int = setting(0, least=0)
    validation: float = setting(0.05, below=1)
    seed: int = setting(0, least=0)

    def __post_init__(self) -> None:
        """Checks every setting."""
        check_fields(self)


@dataclass(frozen=True)
class Settings:
    """All settings of a training.

    Attributes:
        network: "se3unet", or "published" for the published architecture, which has no settings of its own.
        unet: Settings of "se3unet".
        loss: Settings of the loss.
        training: Settings of the minimization.
    """

    network: str = setting("se3unet", choices=NETWORKS)
    unet: SE3UnetConfig = field(default_factory=SE3UnetConfig)
    loss: LossSettings = field(default_factory=LossSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        """Checks the network."""
        check_fields(self)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Settings:
        """Builds the settings from plain values, such as those of `to_dict` or a file. Missing ones keep their default.

        Raises:
            ValueError: If a key is unknown, or a value out of range.
        """
        found: Settings = from_tables(cls, "settings", settings)
        return found

    @classmethod
    def read(cls, name: str | Path, given: Mapping[str, Any] | None = None) -> Settings:
        """Reads a file in TOML, or one of the built-in ones by its name: "default" or "report".

        Args:
            name: The file or the name.
            given: Tables of settings that replace those of the file.

        Raises:
            ValueError: If the file does not exist, or its settings are invalid.
        """
        return cls.from_dict(merged(read_named("settings", name, BUILT_IN), given or {}))

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as plain values."""
        return asdict(self)
