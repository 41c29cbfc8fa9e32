"""Makes batches of faces for a training, with graphs and heatmaps computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from equivariance_zoo.faces import FaceSet, heatmaps
from se3unet.geometry.hierarchy import Hierarchy, join
from se3unet.training.networks import prepare_graphs

AT_ONCE = 16


@dataclass(frozen=True)
class Batch:
    """Faces of one step.

    Attributes:
        inputs: Input of the network: clouds [B, N, 3], or their graphs.
        targets: [B, N, 68], their true heatmaps.
        positions: [B, N, 3], the clouds.
        landmarks: [B, 68, 3].
        unit_mm: [B] float64.
    """

    inputs: Hierarchy | Tensor
    targets: Tensor
    positions: Tensor
    landmarks: Tensor
    unit_mm: Tensor

    def __len__(self) -> int:
        """Returns the number of faces in the batch."""
        return len(self.targets)

    def to(self, device: torch.device | str) -> Batch:
        """Returns a copy on a device."""
        rest = (self.targets, self.positions, self.landmarks, self.unit_mm)
        return Batch(self.inputs.to(device), *(tensor.to(device) for tensor in rest))


class Faces(Dataset[Batch]):
    """Prepared faces with their graphs and heatmaps, computed once.

    They are kept for all epochs, because no pose changes them (see `Hierarchy`). One pose per face is enough, because
    the network is equivariant. A face of 1,024 points takes 0.8 MB.
    """

    def __init__(self, faces: FaceSet, model: nn.Module, sigma: float) -> None:
        """Computes graphs and heatmaps.

        Args:
            faces: The faces.
            model: The network that reads them.
            sigma: Width of the heatmaps.

        Raises:
            ValueError: If the network cannot use the faces.
        """
        self.faces = faces
        self.targets = heatmaps(faces.positions, faces.landmarks, sigma)
        self.inputs: list[Hierarchy | Tensor] = []
        for clouds in faces.positions.split(AT_ONCE):
            together = prepare_graphs(model, clouds)
            is_graph = isinstance(together, Hierarchy)
            self.inputs += [
                together.sample(n) if is_graph else clouds[n : n + 1]  # type: ignore[union-attr]
                for n in range(len(clouds))
            ]

    def __len__(self) -> int:
        """Returns the number of faces."""
        return len(self.faces)

    def __getitem__(self, number: int) -> Batch:
        """Returns one face as a batch of one."""
        one = slice(number, number + 1)
        faces = self.faces
        rest = (self.targets, faces.positions, faces.landmarks, faces.unit_mm)
        return Batch(self.inputs[number], *(tensor[one] for tensor in rest))


def collate(batches: Sequence[Batch]) -> Batch:
    """Joins batches to one."""
    inputs = [batch.inputs for batch in batches]
    together = join(inputs) if isinstance(inputs[0], Hierarchy) else torch.cat(inputs)  # type: ignore[arg-type]
    names = ("targets", "positions", "landmarks", "unit_mm")
    return Batch(together, *(torch.cat([getattr(batch, name) for batch in batches]) for name in names))
