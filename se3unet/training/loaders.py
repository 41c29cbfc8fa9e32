"""Loads the faces of a training, in the order of each process."""

from __future__ import annotations

from typing import Any, cast

import lightning
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset
from torch.utils.data.distributed import DistributedSampler

from equivariance_zoo.faces import FaceSet
from se3unet.training.crops import cut
from se3unet.training.data import Batch, Faces, collate
from se3unet.training.settings import Settings


class FaceBatches(lightning.LightningDataModule):
    """Batches for training and validation."""

    def __init__(self, learned: FaceSet, held_out: FaceSet, model: nn.Module, settings: Settings) -> None:
        """Keeps the faces. Every process computes their graphs after its start.

        Args:
            learned: Faces to train on.
            held_out: Faces to validate on.
            model: The network that reads them.
            settings: Settings of the training.
        """
        super().__init__()
        self.learned, self.held_out = learned, held_out
        self.model, self.settings = model, settings

    def setup(self, stage: str) -> None:
        """Cuts the faces and computes all graphs."""
        training, sigma = self.settings.training, self.settings.loss.sigma
        cuts = [cut(self.learned, seed) for seed in range(training.seed, training.seed + training.cuts)]
        self.to_learn: Dataset[Batch] = ConcatDataset([Faces(f, self.model, sigma) for f in (self.learned, *cuts)])
        self.to_validate: Dataset[Batch] = Faces(self.held_out, self.model, sigma)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Loads faces in an order that depends on seed and epoch only. Each process takes its share of every step."""
        return self._loader(self.to_learn, shuffle=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Loads all faces, in their order."""
        return self._loader(self.to_validate, shuffle=False)

    def _loader(self, faces: Any, shuffle: bool) -> DataLoader[Batch]:
        settings, trainer = self.settings.training, cast(lightning.Trainer, self.trainer)
        sampler: DistributedSampler[Batch] = DistributedSampler(
            faces, trainer.world_size, trainer.global_rank, shuffle, settings.seed, drop_last=shuffle
        )
        return DataLoader(faces, settings.batch, sampler=sampler, collate_fn=collate, drop_last=shuffle)
