"""The data of a recording: operations and calls of layers. Also tables of ATen operation names.

`tape` makes the data, `localization` and `inference` read it. Nothing is recorded here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from equivariance._engine.instrumentation.source_lines import SourceLine
from equivariance._torch_private import schema_of
from equivariance.contracts.nested import map_tensors

Number = bool | int | float

VIEW_OPS = frozenset({
    "view", "reshape", "_unsafe_view", "unsqueeze", "squeeze", "transpose", "permute", "t", "expand", "unfold", "alias",
    "detach", "as_strided", "lift_fresh", "movedim", "_reshape_alias", "view_as_real", "_conj", "real",
})  # fmt: skip
"""Operations that show the same memory in another layout."""

COPY_OPS = VIEW_OPS | {
    "clone", "contiguous", "lift_fresh_copy", "repeat", "copy_", "copy", "index_put_", "index_put",
}  # fmt: skip
"""Operations that keep every entry, in another layout or in new memory."""

INDEXING_OPS = frozenset({
    "select", "slice", "unbind", "split", "split_with_sizes", "diagonal", "index_select", "index", "gather", "chunk",
    "narrow",
})  # fmt: skip
"""Operations that take out entries, for example components that may be joined again later."""


JOINING_OPS = frozenset({"cat", "stack"})
"""Operations that put tensors side by side, for example components that were computed one by one."""


SCATTER_OPS = frozenset({
    "index_put", "index_put_", "slice_scatter", "select_scatter", "slice_backward", "select_backward",
    "unfold_backward",
})  # fmt: skip
"""Operations that write their last input into a part of another tensor, as the derivatives of indexing do."""


@dataclass(frozen=True)
class Operation:
    """One operation of a recording.

    Attributes:
        name: Name of the operation, without overload.
        places: The statement, then the statements that called its function, from inside to outside.
        own: Number of leading `places` that belong to the layer; the others belong to its callers.
        layer: Dotted path of the innermost module that runs the operation.
        reads, writes: Numbers of the values that are read and made.
        result: The result if it is a Python number, else None.
        origin: Number of the event that the operation differentiates; None if it is not part of a backward pass.
    """

    name: str
    places: tuple[SourceLine, ...]
    own: int
    layer: str
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    result: Number | None = None
    origin: int | None = None

    @property
    def place(self) -> SourceLine | None:
        """The statement; None if there is no Python source."""
        return self.places[0] if self.places else None

    @property
    def signature(self) -> tuple[object, ...]:
        """The fields that are equal in two recordings with the same control flow."""
        return self.name, self.places, self.layer, self.reads, self.writes


@dataclass(frozen=True)
class LayerRecord:
    """One call of a layer, with the tensors that the tape stored.

    Attributes:
        arguments: The arguments by name.
        output: The output.
        numbers: The numbers of all tensors of arguments and output, in order.
    """

    arguments: dict[str, Any]
    output: Any
    numbers: tuple[int, ...]


NUMBERED = "of whole numbers: "
"""Prefix of an operation name for operations on integers."""


DECIDES = "_local_scalar_dense"
"""The operation that returns a Python number, on which control flow may depend."""


@lru_cache(maxsize=4096)
def draws(func: Any) -> bool:
    """True if an operation draws from torch's random generators."""
    return torch.Tag.nondeterministic_seeded in func.tags


@lru_cache(maxsize=4096)
def describe_schema(func: Any) -> tuple[str, tuple[tuple[int | None, str], ...]]:
    """Returns the name of an operation without overload, and the arguments that it changes.

    Each changed argument is given by position (None if keyword only) and name.
    """
    schema = schema_of(func)
    written = tuple(
        (None if argument.kwarg_only else i, argument.name)
        for i, argument in enumerate(schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )
    return schema.name.rpartition("::")[2], written


def changed_in_place(
    written: Sequence[tuple[int | None, str]], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> list[Tensor]:
    """Returns the tensors that an operation changes in place."""
    given = (args[i] if i is not None and i < len(args) else kwargs.get(name) for i, name in written)
    return tensors_in(list(given))


def tensors_in(value: Any) -> list[Tensor]:
    """Returns the tensors among the arguments of an operation, in order.

    Arguments of an operation are nested in sequences and dicts only.
    """
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return []
    return [tensor for entry in value for tensor in tensors_in(entry)]


def with_tensors(value: Any, tensors: Iterator[Tensor]) -> Any:
    """Returns nested arguments of an operation with each tensor replaced, in the order of `tensors_in`."""
    if isinstance(value, Tensor):
        return next(tensors)
    if isinstance(value, Mapping):
        return {key: with_tensors(entry, tensors) for key, entry in value.items()}
    return type(value)(with_tensors(entry, tensors) for entry in value) if isinstance(value, (list, tuple)) else value


def replace_tensors(value: Any, tensors: Sequence[Tensor]) -> Any:
    """Returns a copy of a nested value with its tensors replaced, in the order of `contracts.nested.leaves`."""
    replacements = iter(tensors)
    return map_tensors(value, lambda _: next(replacements))
