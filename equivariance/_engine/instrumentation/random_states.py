"""Keeps the states of torch's random generators between the calls of a run, so that one call can draw them again.

`reference` notes the states, `measurement.isolation` sets them. A call that runs alone then draws the numbers that it
draws in the whole network. The generators of NumPy and of Python are not kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from equivariance._engine.instrumentation.hooks import LayerCall

RandomState = Sequence[torch.Tensor]
"""The states of the CPU's generator, then of each CUDA device that is in use."""


def random_state() -> RandomState:
    """Returns the states of torch's global generators on every device in use."""
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else ())]


def same_state(state: RandomState, other: RandomState) -> bool:
    """True if two states give the same random numbers."""
    return len(state) == len(other) and all(map(torch.equal, state, other))


@dataclass
class RandomStates:
    """The states at the beginning and at the end of each call of one run.

    Equal states that follow each other are one object: a network that draws nothing has a single one.
    """

    begun: dict[LayerCall, RandomState] = field(default_factory=dict)
    ended: dict[LayerCall, RandomState] = field(default_factory=dict)
    _latest: RandomState = ()

    @property
    def moved(self) -> bool:
        """True if the run drew random numbers."""
        return len({id(state) for state in (*self.begun.values(), *self.ended.values())}) > 1

    def begin(self, call: LayerCall) -> None:
        """Notes the state at the beginning of a call."""
        self.begun[call] = self._current()

    def end(self, call: LayerCall) -> None:
        """Notes the state at the end of a call."""
        self.ended[call] = self._current()

    def _current(self) -> RandomState:
        current = random_state()
        if not same_state(current, self._latest):
            self._latest = current
        return self._latest


def resume(states: Mapping[LayerCall, RandomState], call: LayerCall) -> None:
    """Sets torch's generators to the state that was noted for a call, if there is one."""
    state = states.get(call)
    if state is not None:
        torch.set_rng_state(state[0])
        for device, other in enumerate(state[1:]):
            torch.cuda.set_rng_state(other, device)
