"""Chooses the device that a network runs on.

The commands and trainers of all networks call it. It moves no tensor.
"""

from __future__ import annotations

import torch


def chosen_device(name: str | None) -> torch.device:
    """Returns the device of a name: "cpu", "cuda" or "cuda:1".

    Without a name, it returns a CUDA GPU if there is one, else the CPU.

    Raises:
        ValueError: If the device does not exist.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    there = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    there += [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if name not in there:
        reason = "" if torch.cuda.is_available() else " (PyTorch sees no CUDA GPU)"
        raise ValueError(f"device: expected {' or '.join(there)}{reason}, got {name}")
    return torch.device(name)
