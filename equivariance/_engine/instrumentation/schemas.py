"""What the schema of an operation says of a call of it: its name, the tensors that it takes, those that it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from torch import Tensor


@lru_cache(maxsize=4096)
def described(func: Any) -> tuple[str, tuple[tuple[int | None, str], ...]]:
    """The name of an operation without overload; place (if it has one) and name of each argument that it changes."""
    written = tuple(
        (None if argument.kwarg_only else i, argument.name)
        for i, argument in enumerate(func._schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )
    return func._schema.name.rpartition("::")[2], written


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
