"""Fields and labels of every split, from nothing or from files."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler, TensorDataset

from equivariance_zoo.steerable3d.data_sources import tetris
from equivariance_zoo.steerable3d.data_sources.meshes import labelled, voxelized
from equivariance_zoo.steerable3d.data_sources.proteins import domain, environments, read_atoms
from equivariance_zoo.steerable3d.settings import DataConfig

SPLITS = ("train", "val", "test")

Sample = tuple[Tensor, Tensor]


class Loaded(Dataset[Sample]):
    """Files that are read when their turn comes.

    Attributes:
        classes: names of the classes, in the order of the labels.
    """

    def __init__(
        self, paths: list[Path], labels: list[str], classes: list[str], read: Callable[[Path], Tensor]
    ) -> None:
        """``read`` makes a field [channels, x, y, z] of a file."""
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
    """A random order, another one in every epoch, and the same ones for the same seed: training can be resumed.

    Attributes:
        count: number of samples.
        group: so many samples, one behind the other in the data, stay together.
        seed: of the order.
        epoch: whose order comes next; Lightning sets it.
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
        """Which epoch's order comes next."""
        self.epoch = epoch


def order(config: DataConfig, count: int, seed: int) -> Order:
    """How the training split is gone through: in batches of eight Tetris shapes every shape has its turn.

    Batches that lack a shape make statistics of the batch tell the classes apart, and running ones fit none.
    """
    return Order(count, len(tetris.SHAPES) if config.kind == "tetris" else 1, seed)


def dataset(config: DataConfig, split: str) -> TensorDataset | Loaded:
    """The samples of a split: fields [channels, size, size, size] and labels.

    Tetris shapes are trained in one orientation and evaluated in random ones; "val" and "test" differ in their seed.

    Raises:
        ValueError: files are missing or broken; it names them.
    """
    if split not in SPLITS:
        raise ValueError(f"split: expected one of {', '.join(SPLITS)}, got {split!r}")
    if config.kind == "tetris":
        train = split == "train"
        fields, labels = tetris.fixed(config.size, config.copies, seed=1) if train else tetris.rotated(
            config.size, config.rotations, seed=1 + SPLITS.index(split)
        )  # fmt: skip
        return TensorDataset(fields, labels)
    folder = Path(config.folder or "")
    if config.kind == "shrec17":
        items, known = labelled(folder, split), labelled(folder, "train")
        classes = sorted({item.synset for item in known})
        paths, labels_of = [item.path for item in items], [item.synset for item in items]
        return Loaded(paths, labels_of, classes, lambda path: voxelized(path, config.size))
    if config.kind == "cath":
        items_of, classes = _listed(folder, split), sorted({c for _, c in _listed(folder, "train")})
        paths, labels_of = [p for p, _ in items_of], [c for _, c in items_of]
        return Loaded(paths, labels_of, classes, lambda path: domain(read_atoms(path), config.size))
    samples = [s for path, _ in _listed(folder, split) for s in environments(read_atoms(path), config.size)]
    if not samples:
        raise ValueError(f"folder: expected structures with amino acids, got none in the {split} split of {folder}")
    return TensorDataset(torch.stack([f for f, _ in samples]), torch.tensor([n for _, n in samples]))


def check_fits(data: TensorDataset | Loaded, channels: int, classes: int) -> None:
    """Find out before the training that a network takes the fields and knows the classes.

    Raises:
        ValueError: it does not.
    """
    known = len(data.classes) if isinstance(data, Loaded) else int(data.tensors[1].max()) + 1
    if known > classes:
        raise ValueError(f"classes: expected {known} or more for these data, got {classes}")
    found = data[0][0].shape[0]
    if found != channels:
        raise ValueError(f"irreps_in: expected {found} channels for these data, got {channels}")


def _listed(folder: Path, split: str) -> list[tuple[Path, str]]:
    """Structures and classes that ``{split}.csv`` lists, in the columns "file" and (for domains) "class".

    Raises:
        ValueError: the list, a column or a file is missing.
    """
    table = folder / f"{split}.csv"
    if not table.is_file():
        raise ValueError(f"folder: expected {table.name} in it, got {folder}")
    with table.open(newline="") as file:
        reader = csv.DictReader(file)
        if "file" not in (reader.fieldnames or ()):
            raise ValueError(f"folder: expected the column file in {table}, got {reader.fieldnames}")
        found = [(folder / row["file"], row.get("class") or "") for row in reader]
    absent = [path.name for path, _ in found if not path.is_file()]
    if absent or not found:
        raise ValueError(f"folder: expected the files that {table} lists, got none of {', '.join(absent[:3]) or 'any'}")
    return found
