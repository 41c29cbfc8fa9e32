"""Contracts: the representation of every input tensor and every output tensor of a callable.

A contract is declared by the user, stated by a module (e3nn, escnn, nequip), or assumed from names and shapes. Each
assumption keeps its evidence. The package also binds the arguments of a call by name and walks nested values.

Called by the engine, which transforms arguments and outputs by contracts. The package runs no module; the engine infers
representations that need a run.
"""

from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import GraphFields
from equivariance.contracts.spec import Spec

__all__ = ["Contract", "GraphFields", "Spec"]
