"""What a recording consists of: operations, and what passed between layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from torch import Tensor

from equivariance._engine.instrumentation.source_lines import SourceLine
from equivariance._torch_private import schema_of

Number = bool | int | float

VIEW_OPS = frozenset({
    "view", "reshape", "_unsafe_view", "unsqueeze", "squeeze", "transpose", "permute", "t", "expand", "unfold", "alias",
    "detach", "as_strided", "lift_fresh", "movedim", "_reshape_alias", "view_as_real", "_conj", "real",
})  # fmt: skip
"""Operations that lay out the same memory in another way."""

COPY_OPS = VIEW_OPS | {
    "clone", "contiguous", "lift_fresh_copy", "repeat", "copy_", "copy", "index_put_", "index_put",
}  # fmt: skip
"""Operations after which everything is still there, in another layout or in new memory."""

INDEXING_OPS = frozenset({
    "select", "slice", "unbind", "split", "split_with_sizes", "diagonal", "index_select", "index", "gather", "chunk",
    "narrow",
})  # fmt: skip
"""Operations that take something out: components that may be put together again."""


SCATTER_OPS = frozenset({
    "index_put", "index_put_", "slice_scatter", "select_scatter", "slice_backward", "select_backward",
    "unfold_backward",
})  # fmt: skip
"""Operations that put what they read last into places of another tensor, as the derivatives of cuts do."""


@dataclass(frozen=True)
class Operation:
    """One operation.

    Attributes:
        name: Of the operation, without overload
        places: The statement, those that called the function that it stands in, and so on outwards
        own: How many of these belong to the layer; more are of its callers
        layer: Dotted path of the innermost module that runs it
        reads, writes: Numbers of values
        result: What it returns, where that is a Python number
        origin: Number of the event that it differentiates; None for what is no part of a backward pass
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
        """The statement; None where there is no Python source."""
        return self.places[0] if self.places else None

    @property
    def signature(self) -> tuple[object, ...]:
        """What two recordings of the same course have in common."""
        return self.name, self.places, self.layer, self.reads, self.writes


@dataclass(frozen=True)
class Passed:
    """What one call of a layer took and gave: arguments by name, output, and the numbers of all tensors in order.

    The tensors are those that the tape keeps.
    """

    arguments: dict[str, Any]
    output: Any
    numbers: tuple[int, ...]


NUMBERED = "of whole numbers: "


DECIDES = "_local_scalar_dense"
"""The operation that gives a Python number, by which a program decides what it does."""


@lru_cache(maxsize=4096)
def described(func: Any) -> tuple[str, tuple[tuple[int | None, str], ...]]:
    """The name of an operation without overload; place (if it has one) and name of each argument that it changes."""
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
    """The tensors that an operation changes in place."""
    given = (args[i] if i is not None and i < len(args) else kwargs.get(name) for i, name in written)
    return tensors_in(list(given))


def tensors_in(value: Any) -> list[Tensor]:
    """Those among the arguments of an operation, which hold them in nothing but sequences; in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return []
    return [tensor for entry in value for tensor in tensors_in(entry)]
