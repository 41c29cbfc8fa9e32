"""Fibers: the features of a node or an edge, one tensor per degree.

A fiber is a dict from the degree l to a tensor of shape [..., C_l, 2l+1] whose last axis holds the components of an
irreducible representation of SO(3) in e3nn's basis. Irreps of e3nn describe it. Parity is not used, so that every label
is even.
"""

from __future__ import annotations

import torch
from e3nn import o3
from torch import Tensor

Fibers = dict[int, Tensor]


def channels_by_degree(irreps: o3.Irreps | str) -> dict[int, int]:
    """Reads the number of channels of each degree off irreps, lowest degree first.

    Raises:
        ValueError: If a degree is named twice or a label is odd.
    """
    channels: dict[int, int] = {}
    for multiplicity, irrep in o3.Irreps(irreps):
        if irrep.p != 1:
            raise ValueError(f"irreps: expected even labels only (SO(3) without parity), got '{irrep}' in {irreps}")
        if irrep.l in channels:
            raise ValueError(f"irreps: expected each degree once, got degree {irrep.l} twice in {irreps}")
        channels[irrep.l] = multiplicity
    return dict(sorted(channels.items()))


def fiber_irreps(channels: dict[int, int]) -> o3.Irreps:
    """Returns the irreps of a fiber with `channels[l]` channels of degree l."""
    return o3.Irreps([(count, (degree, 1)) for degree, count in sorted(channels.items())])


def check_fibers(name: str, fibers: Fibers, irreps: o3.Irreps) -> None:
    """Compares fibers with the irreps that a layer expects.

    Raises:
        ValueError: If a degree is missing or superfluous, or a tensor does not end in [C_l, 2l+1].
    """
    # The compiler cannot trace irreps of e3nn. Compiled code fails on wrong shapes without the check.
    if torch.compiler.is_compiling():
        return
    expected = channels_by_degree(irreps)
    if sorted(fibers) != sorted(expected):
        raise ValueError(f"{name}: expected degrees {sorted(expected)} ({irreps}), got {sorted(fibers)}")
    for degree, channels in expected.items():
        shape = tuple(fibers[degree].shape)
        if shape[-2:] != (channels, 2 * degree + 1):
            raise ValueError(f"{name}[{degree}]: expected shape [..., {channels}, {2 * degree + 1}], got {list(shape)}")


def component_major(feature: Tensor) -> Tensor:
    """Permutes a feature [B, N, C, 2l+1] to [2l+1, C, B * N], nodes last."""
    return feature.permute(3, 2, 0, 1).flatten(2)


def node_major(block: Tensor, samples: int) -> Tensor:
    """Inverts `component_major` for B = samples: a view [B, N, C, 2l+1] of the same memory."""
    return block.unflatten(2, (samples, -1)).permute(2, 3, 1, 0)
