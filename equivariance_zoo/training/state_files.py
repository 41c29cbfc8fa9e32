"""Writes Lightning's state as a file that is complete at any moment. Importing this module imports Lightning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from equivariance_zoo.training.files import replacing


class WholeFiles(TorchCheckpointIO):
    """Replaces the state in one step. If the process is killed, the old file or the new one remains."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Writes the state."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            torch.save(checkpoint, file)
