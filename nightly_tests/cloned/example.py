"""A module with ordinary inputs, and the laws of its tensors, written by hand. Nothing of `equivariance` is imported.

The harness gets the module and the inputs only. The laws are for `plain`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class Law:
    """The rule by which a tensor follows a motion.

    Attributes
    ----------
    moves : "point" for x R^T + t, "vector" for x R^T, "" for unchanged
    axis : the axis of x, y, z
    nodes, edges, samples : the axes that list these, or None
    counts : "nodes" or "samples" where the whole numbers of the tensor number these
    """

    moves: str = ""
    axis: int = -1
    nodes: int | tuple[int, ...] | None = None
    edges: int | None = None
    samples: int | None = None
    counts: str = ""


@dataclass(frozen=True)
class Example:
    """One module, as a user of its repository calls it.

    Attributes
    ----------
    module : the module, in float32
    tensors : name -> tensor, all that the inputs are made of
    laws : name -> law, for the same names
    pack : tensors -> the arguments of the call
    unpack : what the call returns -> tensors
    results : one law for each of these
    symmetries : what the plain comparison compares
    in_double : a context in which code that casts to float32 casts to float64, for the plain comparison
    """

    module: nn.Module
    tensors: dict[str, Tensor]
    laws: dict[str, Law]
    pack: Callable[[dict[str, Tensor]], tuple[Any, ...]]
    unpack: Callable[[Any], tuple[Tensor, ...]]
    results: tuple[Law, ...]
    symmetries: tuple[str, ...] = field(default=("translation", "rotation", "inversion", "permutation", "batch"))
    in_double: Callable[[], AbstractContextManager[object]] = nullcontext
