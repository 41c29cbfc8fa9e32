"""Folders of a set of pictures: shards of arrays, each written whole, and the settings that they were made with.

A command that is repeated with the same settings goes on behind the last shard. Each sample draws its random numbers
from the seed and its own number, so that the result does not depend on where a command was stopped or on the shards.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from equivariance_zoo.training.files import make_folder, replace_file, replacing

SETTINGS = "settings.json"
Arrays = dict[str, npt.NDArray[Any]]


def generator(seed: int, *numbers: int) -> np.random.Generator:
    """Returns the random number generator of a sample."""
    return np.random.default_rng([seed, *numbers])


def digest(path: str | Path) -> str:
    """Returns the SHA-256 of a file, or of the files of a folder, as hexadecimal digits."""
    path, found = Path(path), hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
        found.update(file.read_bytes())
    return found.hexdigest()


class Store:
    """A folder of shards.

    Attributes:
        folder: The folder.
        settings: Everything that decides on the numbers, as plain values.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Opens a folder to write to, and records the settings in it.

        Args:
            folder: The folder; it is created.
            settings: Plain values.

        Raises:
            ValueError: If the folder holds a set that was made with other settings, or cannot be created.
        """
        self.folder, self.settings = make_folder(folder), json.loads(json.dumps(settings))
        path = self.folder / SETTINGS
        if path.is_file():
            there = json.loads(path.read_text(encoding="utf-8"))
            other = sorted(key for key in {*there, *self.settings} if there.get(key) != self.settings.get(key))
            if other:
                raise ValueError(
                    f"output: expected an empty folder, or one of the same settings, got {folder} with another "
                    + ", ".join(f"{key} ({there.get(key)!r}, now {self.settings.get(key)!r})" for key in other)
                )
        else:
            replace_file(path, (json.dumps(self.settings, indent=1) + "\n").encode())

    def write(self, names: Sequence[str], make: Callable[[str], Arrays], workers: int = 1) -> Iterator[str]:
        """Writes the shards that are not there yet, and yields the name of each one when it is written.

        Args:
            names: Names of the shards, in order.
            make: Makes the arrays of a shard. If there is more than one worker, it must be picklable.
            workers: Number of processes.
        """
        missing = [name for name in names if not (self.folder / f"{name}.npz").is_file()]
        if min(workers, len(missing)) <= 1:
            for name in missing:
                yield _write_shard(self.folder, make, name)
            return
        context = multiprocessing.get_context("spawn")
        with context.Pool(min(workers, len(missing)), _ignore_interrupts) as pool:
            yield from pool.imap_unordered(partial(_write_shard, self.folder, make), missing)


def _write_shard(folder: Path, make: Callable[[str], Arrays], name: str) -> str:
    arrays = make(name)
    with replacing(folder / f"{name}.npz") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    return name


def _ignore_interrupts() -> None:
    """Leaves Ctrl-C to the process that started the workers; it ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def read_settings(folder: str | Path) -> dict[str, Any]:
    """Returns the settings of a set of pictures.

    Raises:
        ValueError: If the folder holds no set.
    """
    path = Path(folder) / SETTINGS
    if not path.is_file():
        raise ValueError(f"folder: expected a set of pictures with {SETTINGS}, got {folder}")
    settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return settings


def shards(folder: str | Path) -> list[str]:
    """Returns the names of the shards of a set, sorted."""
    return sorted(path.stem for path in Path(folder).glob("*.npz"))


def load(folder: str | Path, names: Sequence[str] | None = None, arrays: Sequence[str] | None = None) -> Arrays:
    """Reads arrays of a set, joined along their first axis.

    Args:
        folder: The folder.
        names: Names of the shards; None for all.
        arrays: Names of the arrays; None for all.

    Raises:
        ValueError: If the folder holds no set, or a shard lacks an array.
    """
    read_settings(folder)
    names = shards(folder) if names is None else names
    found: dict[str, list[npt.NDArray[Any]]] = {}
    for name in names:
        with np.load(Path(folder) / f"{name}.npz", allow_pickle=False) as shard:
            for key in shard.files if arrays is None else arrays:
                if key not in shard:
                    raise ValueError(f"arrays: expected some of {', '.join(shard.files)}, got {key!r}")
                found.setdefault(key, []).append(shard[key])
    return {key: np.concatenate(parts) for key, parts in found.items()}
