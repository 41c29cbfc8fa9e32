"""The faces of a training in the order in which each process sees them."""

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
    """Batches to learn from and to validate on."""

    def __init__(self, learned: FaceSet, held_out: FaceSet, model: nn.Module, settings: Settings) -> None:
        """Keep the faces; their graphs are computed by every process for itself, when it has started.

        Args:
            learned: faces to learn from.
            held_out: faces to validate on.
            model: the network that will see them.
            settings: of the training.
        """
        super().__init__()
        self.learned, self.held_out = learned, held_out
        self.model, self.settings = model, settings

    def setup(self, stage: str) -> None:
        """Cut the faces and compute all graphs."""
        training, sigma = self.settings.training, self.settings.loss.sigma
        cuts = [cut(self.learned, seed) for seed in range(training.seed, training.seed + training.cuts)]
        self.to_learn: Dataset[Batch] = ConcatDataset([Faces(f, self.model, sigma) for f in (self.learned, *cuts)])
        self.to_validate: Dataset[Batch] = Faces(self.held_out, self.model, sigma)

    def train_dataloader(self) -> DataLoader[Batch]:
        """One order for all processes, which depends on seed and epoch alone: each takes its share of every step."""
        return self._loader(self.to_learn, shuffle=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        """All faces, in their order."""
        return self._loader(self.to_validate, shuffle=False)

    def _loader(self, faces: Any, shuffle: bool) -> DataLoader[Batch]:
        settings, trainer = self.settings.training, cast(lightning.Trainer, self.trainer)
        sampler: DistributedSampler[Batch] = DistributedSampler(
            faces, trainer.world_size, trainer.global_rank, shuffle, settings.seed, drop_last=shuffle
        )
        return DataLoader(faces, settings.batch, sampler=sampler, collate_fn=collate, drop_last=shuffle)
