"""Settings of a training: the network, the loss and the minimization. It reads TOML and trains nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from equivariance_zoo.landmarks.losses import LossSettings
from equivariance_zoo.training.settings import build, choice, known_keys, number, read_toml, table, whole
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

    epochs: int = 35
    batch: int = 3
    accumulate: int = 1
    rate: float = 8.5e-5
    cycle: int = 35
    growth: int = 1
    decay: float = 0.0
    clip: float = 1.0
    average: float = 0.0
    precision: str = "32-true"
    cuts: int = 0
    validation: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        """Checks every setting."""
        for name in ("epochs", "batch", "accumulate", "cycle", "growth"):
            whole(name, getattr(self, name), 1)
        for name in ("cuts", "seed"):
            whole(name, getattr(self, name), 0)
        for name in ("rate", "clip"):
            number(name, getattr(self, name), above=0)
        number("decay", self.decay, least=0)
        choice("precision", self.precision, PRECISIONS)
        for name in ("average", "validation"):
            number(name, getattr(self, name), least=0)
            if getattr(self, name) >= 1:
                raise ValueError(f"{name}: expected a number below 1, got {getattr(self, name)!r}")


@dataclass(frozen=True)
class Settings:
    """All settings of a training.

    Attributes:
        network: "se3unet", or "published" for the published architecture, which has no settings of its own.
        unet: Settings of "se3unet".
        loss: Settings of the loss.
        training: Settings of the minimization.
    """

    network: str = "se3unet"
    unet: SE3UnetConfig = field(default_factory=SE3UnetConfig)
    loss: LossSettings = field(default_factory=LossSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)

    def __post_init__(self) -> None:
        """Checks the network."""
        choice("network", self.network, NETWORKS)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Settings:
        """Builds the settings from plain values, such as those of `to_dict` or a file. Missing ones keep their default.

        Raises:
            ValueError: If a key is unknown, or a value out of range.
        """
        known = ("network", "unet", "loss", "training")
        known_keys("settings", settings, known)
        tables = {name: table(name, settings.get(name, {})) for name in known[1:]}
        return cls(
            network=settings.get("network", "se3unet"),
            unet=SE3UnetConfig.from_dict(tables["unet"]),
            loss=build(LossSettings, "loss", tables["loss"]),
            training=build(TrainingSettings, "training", tables["training"]),
        )

    @classmethod
    def read(cls, name: str) -> Settings:
        """Reads a file in TOML, or one of the built-in ones by its name: "default" or "report".

        Raises:
            ValueError: If the file does not exist, or its settings are invalid.
        """
        built_in = BUILT_IN / f"{name}.toml"
        path = built_in if built_in.is_file() else Path(name)
        if not path.is_file():
            names = ", ".join(sorted(file.stem for file in BUILT_IN.glob("*.toml")))
            raise ValueError(f"settings: expected {names} or a file in TOML, got {name}")
        return cls.from_dict(read_toml("settings", path))

    def to_dict(self) -> dict[str, Any]:
        """Returns the settings as plain values."""
        return asdict(self)
