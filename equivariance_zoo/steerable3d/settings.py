"""Settings of a training: what is learned from, by which network, and how."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from equivariance_zoo.steerable3d.config import NETWORKS, NetworkConfig

KINDS = ("tetris", "shrec17", "cath", "amino_acid")


@dataclass(frozen=True)
class DataConfig:
    """What is learned from.

    Attributes:
        kind: "tetris" needs no files; "shrec17" a folder of meshes with its CSV files; "cath" and "amino_acid" a folder
            of structures with ``train.csv``, ``val.csv`` and ``test.csv``.
        folder: where the files are; None for "tetris".
        size: voxels along each axis.
        copies: "tetris": of every shape to train on, in one orientation, at places less than a voxel apart.
        rotations: "tetris": random rotations of every shape to evaluate on.
    """

    kind: str
    folder: str | None = None
    size: int = 20
    copies: int = 8
    rotations: int = 25

    def __post_init__(self) -> None:
        """Check every setting."""
        if self.kind not in KINDS:
            raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {self.kind!r}")
        if (self.folder is None) != (self.kind == "tetris"):
            expected = "none for tetris" if self.kind == "tetris" else f"a folder for {self.kind}"
            raise ValueError(f"folder: expected {expected}, got {self.folder!r}")
        for name in ("size", "copies", "rotations"):
            _number(name, getattr(self, name), int)


@dataclass(frozen=True)
class TrainingConfig:
    """How it is learned.

    Attributes:
        epochs: passes over the data.
        batch: samples of a step.
        rate: step size of Adam at the start; it falls to zero as a cosine over the steps.
        decay: weight decay, decoupled.
        seed: of the weights and of the order of the samples.
        dense: the ordinary CNN of the same channels in place of the steerable one.
    """

    epochs: int = 60
    batch: int = 8
    rate: float = 0.01
    decay: float = 0.0
    seed: int = 0
    dense: bool = False

    def __post_init__(self) -> None:
        """Check every setting."""
        for name in ("epochs", "batch"):
            _number(name, getattr(self, name), int)
        _number("rate", self.rate, float)
        if not isinstance(self.dense, bool):
            raise ValueError(f"dense: expected true or false, got {self.dense!r}")
        _number("decay", self.decay, float, zero=True)
        _number("seed", self.seed, int, zero=True)


@dataclass(frozen=True)
class Run:
    """All settings of a training."""

    data: DataConfig
    network: NetworkConfig
    training: TrainingConfig = field(default_factory=TrainingConfig)

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Run:
        """Build it from plain values, such as `to_dict` gives, or a configuration file holds.

        ``network`` may name one of the paper's networks: {"name": "tetris", "classes": 8}.

        Raises:
            ValueError: a key is unknown or missing, or a value out of range.
        """
        known, missing = {"data", "network", "training"}, {"data", "network"} - set(settings)
        if set(settings) - known or missing:
            raise ValueError(f"settings: expected the tables data, network and (if any) training, got "
                             f"{', '.join(settings) or 'none'}")  # fmt: skip
        return cls(
            _built(DataConfig, "data", settings["data"]),
            _network(settings["network"]),
            _built(TrainingConfig, "training", settings.get("training", {})),
        )

    @classmethod
    def read(cls, path: Path) -> Run:
        """Read a configuration file in TOML.

        Raises:
            ValueError: no such file, or no such settings in it.
        """
        if not path.is_file():
            raise ValueError(f"config: expected a file in TOML, got {path}")
        try:
            return cls.from_dict(tomllib.loads(path.read_text(encoding="utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"config: expected a file in TOML, got {path} ({error})") from error

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return asdict(self)


def _network(settings: Any) -> NetworkConfig:
    if isinstance(settings, Mapping) and "name" in settings:
        rest = {key: value for key, value in settings.items() if key != "name"}
        if settings["name"] not in NETWORKS or set(rest) - {"classes"}:
            raise ValueError(
                f"network: expected a name among {', '.join(NETWORKS)} and (if any) classes, got {settings}"
            )
        return NETWORKS[settings["name"]](**rest)
    return NetworkConfig.from_dict(_table("network", settings))


def _built(kind: Any, name: str, settings: Any) -> Any:
    table, known = _table(name, settings), [f.name for f in fields(kind)]
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise ValueError(f"{name}: expected keys among {', '.join(known)}, got {', '.join(unknown)}")
    if "kind" in known and "kind" not in table:
        raise ValueError(f"{name}: expected the key kind too, got {', '.join(table) or 'none'}")
    return kind(**table)


def _table(name: str, settings: Any) -> Mapping[str, Any]:
    if not isinstance(settings, Mapping):
        raise ValueError(f"{name}: expected a table, got {settings!r}")
    return settings


def _number(name: str, value: object, kind: type, zero: bool = False) -> None:
    """A finite number above zero, or zero too."""
    number = isinstance(value, int | float) if kind is float else isinstance(value, int)
    if not number or isinstance(value, bool) or not 0 <= value < math.inf or (value == 0 and not zero):  # type: ignore[operator]
        expected = f"{'a number' if kind is float else 'a whole number'} {'from' if zero else 'above'} 0"
        raise ValueError(f"{name}: expected {expected}, got {value!r}")
