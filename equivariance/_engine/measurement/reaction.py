"""Measures whether the output reacts to what a symmetry moves: a symmetry of tensors that nothing reads proves nothing.

`diagnosis.verdicts` calls it once per symmetry. The module transforms inputs only to see which tensors change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest

import torch

from equivariance._engine.instrumentation.hooks import ROOT
from equivariance._engine.instrumentation.perturbations import noise_like
from equivariance._engine.instrumentation.tensor_identity import equal
from equivariance._engine.instrumentation.testbed import Runner
from equivariance.contracts.nested import UNSPECIFIED, leaves, transform, walk
from equivariance.groups.reorderings import paddings
from equivariance.groups.sampling import Group, InputSizes
from equivariance.representations.base import Representation

_NUDGES = (0.1, 1.0)
"""Sizes of the changes of a tensor, relative to its root mean square. Signs and ranks react to large ones only."""

Change = Callable[[torch.Tensor], torch.Tensor]

_ELEMENTS = 4
"""Elements that show which tensors a symmetry moves."""


@dataclass(frozen=True)
class Reactions:
    """Tells which inputs a symmetry moves, and whether the output depends on them.

    Invariants:
        - Each set of moved tensors is tried once, in each state until one reacts.
        - Whole numbers are not nudged. Their entries are replaced by entries that are there.

    Attributes:
        runner: The copies of the network.
        sizes: The sizes of the inputs, for which elements are drawn.
        seed: The seed of elements and noise.
    """

    runner: Runner
    sizes: InputSizes
    seed: int
    _known: dict[frozenset[str], bool] = field(default_factory=dict)

    def moves(self, group: Group) -> bool:
        """True if an element changes an input."""
        return bool(self._moved_tensors(group))

    def obstacle(self, group: Group) -> str:
        """Returns why a symmetry that is not broken proves nothing, or "" if it proves something."""
        moved = self._moved_tensors(group)
        if not moved:
            return f"no input changes under {group.symmetry}"
        if not self._reacts(frozenset(moved)):
            return f"the output does not depend on {', '.join(moved)}, and {group.symmetry} changes nothing else"
        return ""

    def _moved_tensors(self, group: Group) -> list[str]:
        """Returns the path of each tensor that an element changes."""
        found: dict[str, None] = {}
        specs = self.runner.contracts[""].inputs
        for element in (*group.draw(_ELEMENTS, self.seed, self.sizes), *paddings(group, self.sizes)):
            for name, value in self.runner.arguments.items():
                changed = leaves(transform(value, specs.get(name), element, name), UNSPECIFIED)
                pairs = zip_longest(leaves(value, specs.get(name), name), changed, fillvalue=None)
                for before, after in pairs:
                    if before is not None and (after is None or not equal(after[1], before[1])):
                        found[before[0]] = None
        return list(found)

    def _reacts(self, paths: frozenset[str]) -> bool:
        if paths not in self._known:
            # An output that depends on some of the tensors depends on all of them together.
            part = any(reacts and known <= paths for known, reacts in self._known.items())
            self._known[paths] = part or any(self._reacts_to(paths, change) for change in self._changes())
        return self._known[paths]

    def _changes(self) -> Iterator[Change]:
        """Yields changes of a tensor: noise on numbers; every entry equal to the largest, or to the smallest one.

        Entries of whole numbers, such as kinds and node numbers, have no others near them that mean anything.
        """
        for relative in _NUDGES:
            generator = torch.Generator().manual_seed(self.seed)
            yield partial(_nudged, relative=relative, generator=generator)
        yield partial(_filled, place=-1)
        yield partial(_filled, place=0)

    def _reacts_to(self, paths: Collection[str], change: Change) -> bool:
        def changed(tensor: torch.Tensor, _: Representation, path: str) -> torch.Tensor:
            return change(tensor) if path in paths else tensor

        specs, runner = self.runner.contracts[""].inputs, self.runner
        given = {name: walk(value, specs.get(name), name, changed) for name, value in runner.arguments.items()}
        for state in runner.states:
            try:
                made = runner.run(state, runner.reference_dtype, given)
            except Exception:  # a network that rejects changed values depends on them
                return True
            if not equal(made, runner.reference(state).outputs[ROOT]):
                return True
        return False


def _nudged(tensor: torch.Tensor, relative: float, generator: torch.Generator) -> torch.Tensor:
    """Returns a floating-point tensor with noise, relative to its root mean square."""
    if not tensor.is_floating_point():
        return tensor
    size = float(tensor.detach().double().square().mean().sqrt()) or 1.0
    return tensor + relative * size * noise_like(tensor, generator)


def _filled(tensor: torch.Tensor, place: int) -> torch.Tensor:
    """Returns a tensor of whole numbers or booleans with all entries equal to one of its sorted entries."""
    if tensor.is_floating_point() or not tensor.numel():
        return tensor
    return tensor.reshape(-1).sort().values[place].expand_as(tensor).clone()
