"""The changes of the operators: each takes a node and returns the text that replaces it, or None."""

from benchmarks.mutants.operators.axes import AXES
from benchmarks.mutants.operators.components import COMPONENTS
from benchmarks.mutants.operators.exchanged import EXCHANGED
from benchmarks.mutants.operators.left_out import LEFT_OUT
from benchmarks.mutants.operators.order import ORDER
from benchmarks.mutants.values import Change

__all__ = ["CHANGES"]

CHANGES: dict[str, Change] = {**COMPONENTS, **EXCHANGED, **AXES, **LEFT_OUT, **ORDER}
"""Name of the operator to its change."""
