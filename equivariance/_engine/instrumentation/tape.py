"""Records the tensor operations of one layer call: what each reads and writes, and the statement that asked for it.

The recording is by dispatch, below autograd, so that operations inside TorchScript, compiled tensor products and
custom autograd functions are seen like any other. Two recordings of the same code have the same operations in the same
order, or diverge at a statement whose course depends on the data.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from equivariance._engine.instrumentation.autograd_links import AutogradLinks
from equivariance._engine.instrumentation.operations import (
    VIEW_OPS,
    Number,
    Operation,
    Passed,
    changed_in_place,
    described,
    tensors_in,
)
from equivariance._engine.instrumentation.source_lines import SourceLine, places_of
from equivariance._engine.instrumentation.tensor_store import MemoryBudget, TensorStore
from equivariance._torch_private import TorchDispatchMode, base_of, storage_address, tensor_address, weak_reference
from equivariance.contracts.nested import UNSPECIFIED, leaves, map_tensors
from equivariance.contracts.signature import bind
from equivariance.errors import ContractError
from equivariance.representations.tensor_support import dense, is_strided, unsupported_reason, with_layout_of

Patch = Callable[[Tensor, Sequence[Tensor]], Tensor]
"""Gives what takes the place of a value, from it and from all values before it."""

_FACTORIES = frozenset({"empty", "zeros", "new_empty", "new_zeros", "empty_like", "zeros_like", "empty_strided"})
"""Operations that make nothing but memory, which another library may fill behind torch's back."""


_GENERATED = (torch.jit.ScriptModule, torch.fx.GraphModule)
"""Modules that nobody wrote: their code counts as that of the module that holds them."""


class _Asked(NamedTuple):
    """Where an operation was asked for, as in `Operation`."""

    places: tuple[SourceLine, ...]
    own: int
    layer: str
    origin: int | None


class Tape(TorchDispatchMode):
    """Records while `active`.

    Attributes:
        events: In order; values that the layer was handed have an event "given", those that come from where torch does
            not see (NumPy, another library) one that is "brought" by the statement that first uses them
        values: Every value, by number; copied only where its memory is changed later, or memory has no room for it
        marks: Site -> path within the value that passed there -> number
        passed: Layer -> its calls
        opaque: Layers that take or give tensors inside of functions or objects, or such as cannot be looked into
    """

    def __init__(self, memory: MemoryBudget, patches: Mapping[int, Patch], decisions: Mapping[int, Number]) -> None:
        """`patches` : value number -> what takes its place; `decisions` : event -> the Python number it gives."""
        super().__init__()
        self.active = False
        self.events: list[Operation] = []
        self.values: list[Tensor] = []
        self.marks: dict[object, dict[str, int]] = {}
        self.passed: dict[str, list[Passed]] = {}
        self.opaque: set[str] = set()
        self._patches, self._decisions = patches, decisions
        self._numbers: dict[int, int] = {}
        self._handed: dict[int, StorageWeakRef] = {}
        self._same_memory: dict[object, int] = {}  # tensors that torch makes unseen: of a subclass, or ``x.data``
        self._states: dict[int, int] = {}
        self._keeper = TensorStore(memory)
        self._watched: list[object] = []
        self._sharing: dict[int, list[int]] = {}
        self._unfilled: dict[int, int] = {}
        self._layers = [("", 0)]
        self._origins = AutogradLinks()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation and record it."""
        kwargs = kwargs or {}
        name, written = described(func)
        changed = changed_in_place(written, args, kwargs) if written else []
        self._origins.note(len(self.events))
        if not self.active:
            self._secure(changed)
            return func(*args, **kwargs)
        asked = self._asked(sys._getframe().f_back)
        reads = tuple([self.number(t) for t in tensors_in((args, kwargs))])
        self._secure(changed)
        return self._record(name, asked, reads, changed, func(*args, **kwargs))

    def _asked(self, frame: FrameType | None) -> _Asked:
        """Where `frame` asks for an operation; one of autograd belongs to the statement that it differentiates."""
        origin = self._origins.of(frame)
        if origin is not None:
            event = self.events[origin]
            first = origin if event.origin is None else event.origin
            return _Asked(event.places, event.own, event.layer, first)
        places, (layer, outside) = places_of(frame), self._layers[-1]
        return _Asked(places, len(places) - outside, layer, None)

    @contextmanager
    def following(self, module: torch.nn.Module, owner: str, others: Sequence[str]) -> Iterator[None]:
        """Be active while `owner`, a submodule of `module`, runs code of its own: not that of `others`."""
        handles = []
        before: list[tuple[bool, tuple[Any, tuple[int, ...]] | None]] = []

        def entered(name: str, layer: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            outer = self.active
            self.active = name == owner or (outer and name not in others)
            arguments = bind(layer.forward, args, kwargs) if self.active and name != owner else {}
            before.append((outer, self._passing(arguments)))
            self._layers.append((name, len(places_of(sys._getframe(1)))))

        def left(name: str, output: Any) -> None:
            outer, given = before.pop()
            if self.active and name != owner:
                made = self._passing(output)
                if given is None or made is None:
                    self.opaque.add(name)
                else:
                    self.passed.setdefault(name, []).append(Passed(given[0], made[0], (*given[1], *made[1])))
            self.active = outer
            self._layers.pop()

        for tensor in (*module.parameters(), *module.buffers()):
            self._note_handed(tensor)
        generated = [n + "." for n, m in module.named_modules() if n and isinstance(m, _GENERATED)]
        for name, layer in module.named_modules():
            if not any(f"{name}.".startswith(prefix) for prefix in generated):
                handles += [
                    layer.register_forward_pre_hook(lambda m, a, k, n=name: entered(n, m, a, k), with_kwargs=True),
                    layer.register_forward_hook(lambda _m, _a, o, n=name: left(n, o), always_call=True),
                ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Record nothing: what the harness itself computes."""
        before, self.active = self.active, False
        try:
            yield
        finally:
            self.active = before

    def number(self, tensor: Tensor) -> int:
        """The number of a tensor's present value; one that is new was given from outside."""
        state = self._states.get(_storage(tensor))
        known = (
            self._numbers.get(tensor_address(tensor), self._same_memory.get(_laid(tensor))) if state is None else state
        )
        if known is None or known in self._unfilled:
            with self.paused():  # hooks ask too, and what they do to the tensor is no operation of the layer
                known = self._given(tensor) if known is None else known
                if known in self._unfilled:
                    self._fill(known, tensor)
        return known

    def mark(self, site: object, tensors: Mapping[str, Tensor]) -> None:
        """Note which values pass at a site."""
        self.marks[site] = {path: self.number(t) for path, t in tensors.items()}

    def hand(self, value: Any) -> None:
        """Note what the layer is handed: arguments, and what the layers that it calls give."""
        for _, tensor, _ in leaves(value, UNSPECIFIED):
            self._note_handed(tensor)

    def _note_handed(self, tensor: Tensor) -> None:
        if is_strided(tensor):
            self._handed[_storage(tensor)] = StorageWeakRef(tensor.untyped_storage())

    def _was_handed(self, tensor: Tensor) -> bool:
        """Whether it lies in memory that was handed, and that is not anyone else's by now."""
        known = self._handed.get(_storage(tensor))
        return known is not None and not known.expired()

    def _given(self, tensor: Tensor) -> int:
        """Number a tensor that no recorded operation made."""
        number = len(self.values)
        handed, asked = self._was_handed(tensor), self._asked(sys._getframe(1))
        self._keep(tensor)
        event = Operation("brought", asked.places, asked.own, asked.layer, (), (number,))
        self.events.append(Operation("given", (), 0, self._layers[-1][0], (), (number,)) if handed else event)
        return number

    def _passing(self, value: Any) -> tuple[Any, tuple[int, ...]] | None:
        """A value, of the tensors that are kept, and their numbers; None where not all can be looked into."""
        try:
            found = [tensor for _, tensor, _ in leaves(value, UNSPECIFIED)]
        except ContractError:
            return None
        if any(unsupported_reason(tensor) for tensor in found):
            return None
        numbers = tuple(self.number(tensor) for tensor in found)
        left = iter(numbers)
        with self.paused():
            return map_tensors(value, lambda _: self.values[next(left)]), numbers

    def _record(self, name: str, asked: _Asked, reads: tuple[int, ...], changed: Sequence[Tensor], output: Any) -> Any:
        """Add the event of an operation; what takes the place of its output."""
        first = len(self.values)
        kept = self._kept(name, changed, output)
        if name in VIEW_OPS and any(n in self._unfilled for n in reads):  # the same memory, not yet filled
            self._unfilled.update({n: len(self.events) for n in range(first, len(self.values))})
        for tensor in changed:
            self._change(tensor)
        result = None
        if isinstance(output, (bool, int, float)):
            kept = result = self._decisions.get(len(self.events), output)
        writes = tuple(range(first, len(self.values)))
        self.events.append(Operation(name, asked.places, asked.own, asked.layer, reads, writes, result, asked.origin))
        return kept

    def _kept(self, name: str, changed: Sequence[Tensor], output: Any) -> Any:
        """What an operation gives, each new tensor numbered; what takes its place."""
        if isinstance(output, (list, tuple)):
            return type(output)([self._kept(name, changed, entry) for entry in output])
        if not isinstance(output, Tensor) or any(output is tensor for tensor in changed):
            return output
        if name in _FACTORIES:
            output.zero_()  # what memory held before is nobody's value
            self._unfilled[len(self.values)] = len(self.events)
        return self._keep(output)

    def _keep(self, tensor: Tensor) -> Tensor:
        """Number a new tensor; what takes its place."""
        number = len(self.values)
        tensor = self._patched(number, tensor)
        self._numbers[tensor_address(tensor)] = number
        self._hold(tensor, tensor)
        return tensor

    def _change(self, tensor: Tensor) -> None:
        """Number the state of memory after a change in place: that of the whole tensor that it is a view of."""
        number = len(self.values)
        base = base_of(tensor)
        whole = tensor if base is None else base
        self._patched(number, whole)
        self._states[_storage(tensor)] = number
        self._hold(tensor, whole)

    def _hold(self, tensor: Tensor, value: Tensor) -> None:
        """Keep the value, and the tensor as far as is needed for its address to stay its own."""
        copy = self._keeper.copy_of(value)
        if copy is None:
            self._sharing.setdefault(_storage(tensor), []).append(len(self.values))
            self._same_memory[_laid(tensor)] = len(self.values)
            self._watched.append(tensor)
        else:
            self._watched.append(weak_reference(tensor))
        self.values.append(dense(value).detach() if copy is None else copy)

    def _secure(self, changed: Sequence[Tensor]) -> None:
        """Copy the values that a change in place is about to overwrite."""
        for tensor in changed:
            self._keeper.changes(tensor)
            for number in self._sharing.pop(_storage(tensor), ()):
                self.values[number] = self.values[number].clone()

    def _patched(self, number: int, tensor: Tensor) -> Tensor:
        """The tensor with what takes the place of its value; a new one where entries share memory."""
        if number not in self._patches:
            return tensor
        value = self._patches[number](tensor, self.values)
        if not is_strided(tensor):
            return with_layout_of(value, tensor)
        if any(size > 1 and stride == 0 for size, stride in zip(tensor.shape, tensor.stride(), strict=True)):
            return value.clone()
        with torch.no_grad():
            return tensor.copy_(value)

    def _fill(self, number: int, tensor: Tensor) -> None:
        """A factory's result is taken as it is when it is used: a library may have filled it from what hangs loose."""
        if not bool(tensor.any()):
            return
        index = self._unfilled.pop(number)
        self._keeper.changes(tensor)
        copy = self._keeper.copy_of(tensor)
        if copy is not None:
            self.values[number] = copy
        used = {n for e in self.events for n in e.reads}
        loose = tuple(n for n in range(number) if n not in used)
        self.events[index] = replace(self.events[index], name="filled", reads=loose)


def _storage(tensor: Tensor) -> int:
    """What tells the memory of a tensor from others; one of several pieces stands for itself."""
    return storage_address(tensor.untyped_storage()) if is_strided(tensor) else -tensor_address(tensor)


def _laid(tensor: Tensor) -> object:
    """What two tensors of the same memory have in common where they are the same value."""
    if not is_strided(tensor):
        return _storage(tensor)
    return _storage(tensor), tensor.dtype, tensor.storage_offset(), tensor.shape, tensor.stride()
