"""What a callable takes and gives: a representation for every tensor of its arguments and of its output.

A contract is declared by the user, stated by a module (e3nn, escnn, nequip), or assumed from names and shapes; what it
rests on is kept. The package also binds calls by name and walks nested values. The engine transforms arguments and
outputs by contracts. No module is run here: what needs a run is inferred in the engine.
"""

from equivariance.contracts.contract import Contract
from equivariance.contracts.nested import GraphFields

__all__ = ["Contract", "GraphFields"]
