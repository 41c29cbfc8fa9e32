"""Loads the published weights, whose names are those of the original's modules."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

# Replacements, applied in order to a name of the original.
_RENAMINGS = (
    (r"\.Gblock\.", "."),
    (r"\.GMAB\.v\.kernel_unary\.\((\d),(\d)\)\.rp\.", r".value.radial.\1_\2."),
    (r"\.GMAB\.k\.kernel_unary\.\((\d),(\d)\)\.rp\.", r".key.radial.\1_\2."),
    (r"\.bn\.", "."),
    (r"\.GMAB\.q\.transform\.", ".query.weight."),
    (r"\.project\.transform\.(\d)$", r".project.weight.\1"),
    (r"\.project\.transform\.", ".project.nets."),
    (r"^mlp\.0\.", "head.hidden."),
    (r"^mlp\.2\.", "head.output."),
)


class PublishedWeightsError(ValueError):
    """The file does not hold the weights of the published network."""


def load_published_weights(model: nn.Module, path: str | Path) -> None:
    """Loads the trained weights of the original into the network, in its own dtype and on its own device.

    Args:
        model: A `PublishedUnet`; unchanged if the file does not fit.
        path: .npz file of float32 arrays under the original's parameter names.

    Raises:
        FileNotFoundError: If the file does not exist.
        PublishedWeightsError: If the file is no .npz file, names are missing or superfluous, or a shape differs; the
            first five misfits are listed.
    """
    found = {_rename(name): torch.from_numpy(array) for name, array in _arrays(path).items()}
    parameters = dict(model.named_parameters())
    problems = [f"missing: {name}" for name in parameters.keys() - found.keys()]
    problems += [f"superfluous: {name}" for name in found.keys() - parameters.keys()]
    problems += [_misfit(name, found[name], parameters[name]) for name in found.keys() & parameters.keys()]
    problems = sorted(filter(None, problems))
    if problems:
        shown = "; ".join(problems[:5]) + (f"; {len(problems) - 5} more" if len(problems) > 5 else "")
        raise PublishedWeightsError(
            f"path: expected the published weights, {path} has {len(problems)} misfits: {shown}"
        )
    with torch.no_grad():
        for name, value in found.items():
            parameters[name].copy_(value.view_as(parameters[name]))


def _arrays(path: str | Path) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(path):
            pass
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
    except (zipfile.BadZipFile, ValueError, zlib.error, EOFError) as error:
        raise PublishedWeightsError(f"path: expected an .npz file, got {path} ({error})") from error
    other = [n for n, a in arrays.items() if not isinstance(a, np.ndarray) or not np.issubdtype(a.dtype, np.floating)]
    if other:
        raise PublishedWeightsError(f"path: expected arrays of floating-point numbers, {path} has other: {other[:5]}")
    return arrays


def _rename(name: str) -> str:
    for pattern, replacement in _RENAMINGS:
        name = re.sub(pattern, replacement, name)
    return name


def _misfit(name: str, value: Tensor, parameter: Tensor) -> str:
    # Norm biases carry a leading axis of length 1 in the file.
    shape = value.shape[1:] if value.dim() == parameter.dim() + 1 and len(value) == 1 else value.shape
    return (
        "" if shape == parameter.shape else f"{name}: expected shape {list(parameter.shape)}, got {list(value.shape)}"
    )
