"""The type of what a user may write for the representation of a value.

Public functions, `Contract` and `Subject` are annotated with it. It is for type checkers: at run time it is a string.
`contracts.nested.compile_spec` parses such values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from _typeshed import DataclassInstance
    from e3nn import o3

    from equivariance.representations.base import Representation
    from equivariance.representations.sample_list import SampleList

Spec: TypeAlias = (
    "Representation | SampleList | str | o3.Irreps | o3.Irrep | Mapping[Any, Spec] | Sequence[Spec] | DataclassInstance"
    " | None"
)
"""A representation, an irreps string or "cartesian_points", irreps of e3nn, None (unchanged), or a dict, list, tuple or
dataclass of these, nested like the value that they describe (for graphs of DGL: `GraphFields`)."""
