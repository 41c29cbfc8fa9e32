"""Builds fields and labels of every split, generated or read from files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler, TensorDataset

from equivariance_zoo.steerable3d.data_sources import tetris
from equivariance_zoo.steerable3d.data_sources.meshes import read_split, read_table, voxelize
from equivariance_zoo.steerable3d.data_sources.proteins import domain, environments, read_atoms
from equivariance_zoo.steerable3d.settings import DataConfig

SPLITS = ("train", "val", "test")

Sample = tuple[Tensor, Tensor]


class Loaded(Dataset[Sample]):
    """A data set of files, each read when it is accessed.

    Attributes:
        classes: Names of the classes, in the order of the labels.
    """

    def __init__(
        self, paths: list[Path], labels: list[str], classes: list[str], read: Callable[[Path], Tensor]
    ) -> None:
        """Keeps paths and labels; `read` turns a file into a field [channels, x, y, z]."""
        unknown = sorted(set(labels) - set(classes))
        if unknown:
            raise ValueError(f"labels: expected classes of the training split, got {', '.join(unknown[:3])}")
        self.paths, self.classes, self.read = paths, classes, read
        self.labels = [classes.index(label) for label in labels]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Sample:
        return self.read(self.paths[index]), torch.tensor(self.labels[index])


class Order(Sampler[int]):
    """A random order per epoch, which depends on seed and epoch only, so that a training can be resumed.

    Attributes:
        count: Number of samples.
        group: Number of consecutive samples that stay together.
        seed: Seed of the order.
        epoch: Epoch of the next order; Lightning sets it.
    """

    def __init__(self, count: int, group: int, seed: int) -> None:
        self.count, self.group, self.seed, self.epoch = count, group, seed, 0

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        groups = torch.arange(self.count).split(self.group)
        return iter(torch.cat([groups[i] for i in torch.randperm(len(groups), generator=generator)]).tolist())

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch of the next order."""
        self.epoch = epoch


def order(config: DataConfig, count: int, seed: int) -> Order:
    """Returns the order of the training split. A batch of eight Tetris shapes has every shape once.

    If batches lack a shape, their statistics depend on the classes, and running statistics fit no batch.
    """
    return Order(count, len(tetris.SHAPES) if config.kind == "tetris" else 1, seed)


def dataset(config: DataConfig, split: str) -> TensorDataset | Loaded:
    """Returns the samples of a split: fields [channels, size, size, size] and labels.

    Tetris shapes have one orientation in training and random ones in evaluation. "val" and "test" differ in their seed.

    Raises:
        ValueError: If files are missing or damaged; the message names them.
    """
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {', '.join(SPLITS)}, got {split!r}")
    if config.kind == "tetris":
        train = split == "train"
        fields, labels = tetris.render_fixed(config.size, config.copies, seed=1) if train else tetris.render_rotated(
            config.size, config.rotations, seed=1 + SPLITS.index(split)
        )  # fmt: skip
        return TensorDataset(fields, labels)
    folder = Path(config.folder or "")
    if config.kind == "shrec17":
        items, known = read_split(folder, split), read_split(folder, "train")
        classes = sorted({item.synset for item in known})
        paths, labels_of = [item.path for item in items], [item.synset for item in items]
        return Loaded(paths, labels_of, classes, lambda path: voxelize(path, config.size))
    if config.kind == "cath":
        items_of, classes = _read_list(folder, split), sorted({c for _, c in _read_list(folder, "train")})
        paths, labels_of = [p for p, _ in items_of], [c for _, c in items_of]
        return Loaded(paths, labels_of, classes, lambda path: domain(read_atoms(path), config.size))
    samples = [s for path, _ in _read_list(folder, split) for s in environments(read_atoms(path), config.size)]
    if not samples:
        raise ValueError(f"folder: expected structures with amino acids, got none in the {split} split of {folder}")
    return TensorDataset(torch.stack([f for f, _ in samples]), torch.tensor([n for _, n in samples]))


def check_fits(data: TensorDataset | Loaded, channels: int, classes: int) -> None:
    """Checks before the training that the channels and classes of a network fit the data.

    Raises:
        ValueError: If channels or classes differ.
    """
    known = len(data.classes) if isinstance(data, Loaded) else int(data.tensors[1].max()) + 1
    if known > classes:
        raise ValueError(f"classes: expected {known} or more for these data, got {classes}")
    found = data[0][0].shape[0]
    if found != channels:
        raise ValueError(f"irreps_in: expected {found} channels for these data, got {channels}")


def _read_list(folder: Path, split: str) -> list[tuple[Path, str]]:
    """Reads structures and classes from `{split}.csv`, columns "file" and (for domains) "class".

    Raises:
        ValueError: If the list, a column or a file is missing.
    """
    table = folder / f"{split}.csv"
    if not table.is_file():
        raise ValueError(f"folder: expected {table.name} in it, got {folder}")
    columns, rows = read_table(table)
    if "file" not in columns:
        raise ValueError(f"folder: expected the column file in {table}, got {columns or None}")
    found = [(folder / row["file"], row.get("class", "")) for row in rows]
    absent = [path.name for path, _ in found if not path.is_file()]
    if absent or not found:
        raise ValueError(f"folder: expected the files that {table} lists, got none of {', '.join(absent[:3]) or 'any'}")
    return found
