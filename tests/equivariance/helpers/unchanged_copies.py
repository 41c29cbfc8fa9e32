"""A test of every run: the engine's copies of a module are, after a test, what they were when they were made.

The fixture `copies_stay_as_made` of the root conftest uses `watching`. A network may give its attributes and layers
other values; the tensors that it had when it was copied must stay as they were.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from equivariance._engine.instrumentation import testbed
from equivariance._torch_private import tree_leaves


def tensors_of(module):
    """Yields every tensor of a module: layer, name, tensor; of attributes the tensors inside, without a name."""
    for layer in module.modules():
        for name, value in [*layer._parameters.items(), *layer._buffers.items()]:
            if value is not None:
                yield layer, name, value
        for name, value in vars(layer).items():
            if name not in ("_parameters", "_buffers", "_modules"):
                yield from ((layer, "", t) for t in tree_leaves(value) if isinstance(t, torch.Tensor))


def checksum(tensor):
    """A number that differs for tensors that differ; the shape alone where a tensor has no readable values."""
    if tensor.layout != torch.strided or tensor.is_nested or tensor.is_quantized or tensor.is_meta:
        return tuple(tensor.shape) if not tensor.is_nested else None
    with torch.no_grad():
        values = tensor.detach().resolve_conj().resolve_neg().cpu().contiguous().reshape(-1)
        return tensor.dtype, tuple(tensor.shape), zlib.crc32(values.view(torch.uint8).numpy().tobytes())


class Watched:
    """Copies with the checksums of their tensors at the time when they were made."""

    def __init__(self):
        self.tensors = []

    def add(self, weights, copy):
        self.tensors += [(weights, layer, name, t, checksum(t)) for layer, name, t in tensors_of(copy)]

    def changed(self):
        """Descriptions of all tensors that are no longer what they were."""
        return [
            f"{name or 'an attribute'} of {type(layer).__name__} in the copy with {weights} weights"
            for weights, layer, name, tensor, before in self.tensors
            if checksum(tensor) != before or (name and getattr(layer, name) is not tensor)
        ]


@contextmanager
def watching() -> Iterator[Watched]:
    """Watches every copy that the engine makes inside of the context."""
    watched, make = Watched(), testbed._variant

    def variant(module, tested, seed, weights, dtype):
        made = make(module, tested, seed, weights, dtype)
        watched.add(weights, made)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testbed, "_variant", variant)
        yield watched
