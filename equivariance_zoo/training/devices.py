"""Where a network runs."""

from __future__ import annotations

import torch


def chosen_device(name: str | None) -> torch.device:
    """The device of a name, "cpu", "cuda" or "cuda:1"; without a name a CUDA GPU where there is one, else the CPU.

    Raises:
        ValueError: there is no such device.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    there = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    there += [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    if name not in there:
        reason = "" if torch.cuda.is_available() else " (PyTorch sees no CUDA GPU)"
        raise ValueError(f"device: expected {' or '.join(there)}{reason}, got {name}")
    return torch.device(name)
