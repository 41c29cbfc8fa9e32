"""Records the tensor operations of one layer call: their inputs, their outputs, and the statement that runs them.

The recording uses PyTorch's dispatcher, below autograd. It therefore contains operations inside of TorchScript,
compiled tensor products and custom autograd functions. Two recordings of the same code have the same operations in the
same order. They differ only if control flow depends on the data.

`localization.recording` makes the recordings, `localization.slicing` reads them. A tape measures no error and searches
for no fault.
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
    LayerRecord,
    Number,
    Operation,
    changed_in_place,
    describe_schema,
    replace_tensors,
    tensors_in,
)
from equivariance._engine.instrumentation.replacements import Replacements
from equivariance._engine.instrumentation.source_lines import SourceLine, places_of
from equivariance._engine.instrumentation.tensor_store import MemoryBudget, TensorStore
from equivariance._torch_private import TorchDispatchMode, base_of, storage_address, tensor_address, weak_reference
from equivariance.contracts.nested import UNSPECIFIED, leaves
from equivariance.contracts.signature import bind
from equivariance.errors import ContractError
from equivariance.representations.tensor_support import dense, is_strided, unsupported_reason

Patch = Callable[[Tensor, Sequence[Tensor]], Tensor]
"""Returns the replacement of a value, given the value and all values before it."""

_FACTORIES = frozenset({"empty", "zeros", "new_empty", "new_zeros", "empty_like", "zeros_like", "empty_strided"})
"""Operations that only allocate memory. Another library may fill this memory without a torch operation."""


_GENERATED = (torch.jit.ScriptModule, torch.fx.GraphModule)
"""Modules with generated code. Their operations belong to the module that contains them."""


class _Source(NamedTuple):
    """The statement that runs an operation, with the fields that `Operation` has."""

    places: tuple[SourceLine, ...]
    own: int
    layer: str
    origin: int | None


class Tape(TorchDispatchMode):
    """Records operations while `active`.

    Attributes:
        active: True while operations are recorded.
        events: The operations in order. A value that the layer receives has an event "given". A value made outside of
            torch (NumPy, another library) has an event "brought" at the statement that first uses it.
        values: Every value, by number. A value is copied only if its memory is changed later or if the memory is full.
        marks: Site -> path within the value that passed there -> number of the value.
        passed: Layer path -> its calls.
        opaque: Layers with tensors inside of functions or of objects that cannot be searched.
    """

    def __init__(self, memory: MemoryBudget, patches: Mapping[int, Patch], decisions: Mapping[int, Number]) -> None:
        """Creates an empty recording.

        Args:
            memory: Limits the memory of the recorded values.
            patches: Number of a value -> its replacement.
            decisions: Number of an event -> the Python number that replaces its result.
        """
        super().__init__()
        self.active = False
        self.events: list[Operation] = []
        self.values: list[Tensor] = []
        self.marks: dict[object, dict[str, int]] = {}
        self.passed: dict[str, list[LayerRecord]] = {}
        self.opaque: set[str] = set()
        self._patches, self._decisions = patches, decisions
        self._replacements = Replacements()
        self._numbers: dict[int, int] = {}
        self._passed_in: dict[int, StorageWeakRef] = {}
        self._same_layout: dict[object, int] = {}  # for tensors made without dispatch: of a subclass, or `x.data`
        self._states: dict[int, int] = {}
        self._tensor_store = TensorStore(memory)
        self._watched: list[object] = []
        self._sharing: dict[int, list[int]] = {}
        self._unfilled: dict[int, int] = {}
        self._layers = [("", 0)]
        self._origins = AutogradLinks()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Runs the operation and records it."""
        kwargs = kwargs or {}
        name, written = describe_schema(func)
        changed = changed_in_place(written, args, kwargs) if written else []
        self._origins.note(len(self.events))
        if not self.active:
            self._copy_shared(changed)
            return func(*args, **kwargs)
        source = self._find_source(sys._getframe().f_back)
        reads = tuple([self.number(t) for t in tensors_in((args, kwargs))])
        self._copy_shared(changed)
        if not self._patches:
            return self._record(name, source, reads, changed, func(*args, **kwargs))
        for tensor in changed:
            self._tensor_store.changes(self.current(tensor))
        output = self._replacements.run(func, args, kwargs, reads)
        return self._record(name, source, reads, changed, output)

    def _find_source(self, frame: FrameType | None) -> _Source:
        """Returns the statement that runs an operation.

        An operation of autograd belongs to the statement that it differentiates.
        """
        origin = self._origins.of(frame)
        if origin is not None:
            event = self.events[origin]
            first = origin if event.origin is None else event.origin
            return _Source(event.places, event.own, event.layer, first)
        places, (layer, outside) = places_of(frame), self._layers[-1]
        return _Source(places, len(places) - outside, layer, None)

    @contextmanager
    def following(self, module: torch.nn.Module, owner: str, others: Sequence[str]) -> Iterator[None]:
        """Activates the recording while `owner`, a submodule of `module`, runs its own code and not that of `others`.

        Args:
            module: The whole module.
            owner: Dotted path of the layer to record.
            others: Dotted paths of layers whose code is not recorded.
        """
        handles = []
        before: list[tuple[bool, tuple[Any, tuple[int, ...]] | None]] = []

        def enter(name: str, layer: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            outer = self.active
            self.active = name == owner or (outer and name not in others)
            arguments = bind(layer.forward, args, kwargs) if self.active and name != owner else {}
            before.append((outer, self._capture(arguments)))
            self._layers.append((name, len(places_of(sys._getframe(1)))))

        def leave(name: str, output: Any) -> None:
            outer, given = before.pop()
            if self.active and name != owner:
                made = self._capture(output)
                if given is None or made is None:
                    self.opaque.add(name)
                else:
                    self.passed.setdefault(name, []).append(LayerRecord(given[0], made[0], (*given[1], *made[1])))
            self.active = outer
            self._layers.pop()

        for tensor in (*module.parameters(), *module.buffers()):
            self._note_passed_in(tensor)
        generated = [n + "." for n, m in module.named_modules() if n and isinstance(m, _GENERATED)]
        for name, layer in module.named_modules():
            if not any(f"{name}.".startswith(prefix) for prefix in generated):
                handles += [
                    layer.register_forward_pre_hook(lambda m, a, k, n=name: enter(n, m, a, k), with_kwargs=True),
                    layer.register_forward_hook(lambda _m, _a, o, n=name: leave(n, o), always_call=True),
                ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Records nothing inside of the context, for computations of the harness."""
        before, self.active = self.active, False
        try:
            yield
        finally:
            self.active = before

    def number(self, tensor: Tensor) -> int:
        """Returns the number of a tensor's current value; a new value is recorded as coming from outside."""
        state = self._states.get(_storage_key(tensor))
        known = (
            self._numbers.get(tensor_address(tensor), self._same_layout.get(_layout_key(tensor)))
            if state is None
            else state
        )
        if known is None or known in self._unfilled:
            with self.paused():  # hooks call this too, and their operations do not belong to the layer
                known = self._number_external(tensor) if known is None else known
                if known in self._unfilled:
                    self._fill(known, tensor)
        return known

    @property
    def replaces(self) -> bool:
        """True if the recording has values to replace."""
        return bool(self._patches)

    def current(self, tensor: Tensor) -> Tensor:
        """Returns the tensor, or the replacement of its value if it lies in memory that the call did not allocate."""
        return self._replacements.read(self.number(tensor), tensor) if self._patches else tensor

    def mark(self, site: object, tensors: Mapping[str, Tensor]) -> None:
        """Stores the numbers of the values that pass at a site."""
        self.marks[site] = {path: self.number(t) for path, t in tensors.items()}

    def hand(self, value: Any) -> None:
        """Marks tensors as received by the layer: its arguments, and the outputs of the layers that it calls."""
        for _, tensor, _ in leaves(value, UNSPECIFIED):
            self._note_passed_in(tensor)

    def _note_passed_in(self, tensor: Tensor) -> None:
        if is_strided(tensor):
            self._passed_in[_storage_key(tensor)] = StorageWeakRef(tensor.untyped_storage())

    def _was_passed_in(self, tensor: Tensor) -> bool:
        """True if the tensor lies in memory that the layer received and that is still in use."""
        known = self._passed_in.get(_storage_key(tensor))
        return known is not None and not known.expired()

    def _number_external(self, tensor: Tensor) -> int:
        """Numbers a tensor that no recorded operation made."""
        number = len(self.values)
        passed_in, source = self._was_passed_in(tensor), self._find_source(sys._getframe(1))
        made = self._replace(number, tensor)
        if made is not tensor:
            self._replacements.redirect(number, made)
        self._numbers[tensor_address(tensor)] = number
        self._store_value(tensor, made)
        event = Operation("brought", source.places, source.own, source.layer, (), (number,))
        self.events.append(Operation("given", (), 0, self._layers[-1][0], (), (number,)) if passed_in else event)
        return number

    def _capture(self, value: Any) -> tuple[Any, tuple[int, ...]] | None:
        """Returns a value made of the stored tensors, and their numbers.

        Returns None if the value contains objects that cannot be searched.
        """
        try:
            found = [tensor for _, tensor, _ in leaves(value, UNSPECIFIED)]
        except ContractError:
            return None
        if any(unsupported_reason(tensor) for tensor in found):
            return None
        numbers = tuple(self.number(tensor) for tensor in found)
        with self.paused():
            return replace_tensors(value, [self.values[number] for number in numbers]), numbers

    def _record(
        self, name: str, source: _Source, reads: tuple[int, ...], changed: Sequence[Tensor], output: Any
    ) -> Any:
        """Adds the event of an operation. Returns the output, with replacements."""
        first = len(self.values)
        kept = self._number_outputs(name, changed, output)
        if name in VIEW_OPS and any(n in self._unfilled for n in reads):  # a view of memory that is not filled yet
            self._unfilled.update({n: len(self.events) for n in range(first, len(self.values))})
        for tensor in changed:
            self._change(tensor)
        result = None
        if isinstance(output, (bool, int, float)):
            kept = result = self._decisions.get(len(self.events), output)
        writes = tuple(range(first, len(self.values)))
        place = source.places, source.own, source.layer
        self.events.append(Operation(name, *place, reads, writes, result, source.origin))
        return kept

    def _number_outputs(self, name: str, changed: Sequence[Tensor], output: Any) -> Any:
        """Numbers each new tensor of an operation's output. Returns the output, with replacements."""
        if isinstance(output, (list, tuple)):
            return type(output)([self._number_outputs(name, changed, entry) for entry in output])
        if not isinstance(output, Tensor) or any(output is tensor for tensor in changed):
            return output
        if name in _FACTORIES:
            output.zero_()  # the old content of the memory is not a value
            self._unfilled[len(self.values)] = len(self.events)
        return self._number_new(output)

    def _number_new(self, tensor: Tensor) -> Tensor:
        """Numbers the new tensor of an operation. Returns the tensor, or its replacement."""
        number = len(self.values)
        made = self._replace(number, tensor)
        self._numbers[tensor_address(made)] = number
        self._store_value(made, made)
        return made

    def _change(self, tensor: Tensor) -> None:
        """Numbers the content of memory after a change in place.

        If the tensor is a view, the new value is the whole tensor that it belongs to.
        """
        number = len(self.values)
        base = base_of(tensor)
        whole = tensor if base is None or _storage_key(base) != _storage_key(tensor) else base
        self._replace(number, whole)
        self._states[_storage_key(tensor)] = number
        self._store_value(tensor, whole)

    def _replace(self, number: int, tensor: Tensor) -> Tensor:
        """Replaces the value of a tensor. Returns the tensor, or another one if its layout cannot hold the value."""
        if number not in self._patches:
            return tensor
        with torch.no_grad():
            content = self._replacements.read(None, tensor)
            return self._replacements.replace(tensor, self._patches[number](content, self.values))

    def _store_value(self, tensor: Tensor, value: Tensor) -> None:
        """Stores the value, and keeps the tensor alive if its address must stay unique."""
        value = self._replacements.read(None, value)
        copy = self._tensor_store.copy_of(value)
        if copy is None:
            self._sharing.setdefault(_storage_key(tensor), []).append(len(self.values))
            self._same_layout[_layout_key(tensor)] = len(self.values)
            self._watched.append(tensor)
        else:
            self._watched.append(weak_reference(tensor))
        self.values.append(dense(value).detach() if copy is None else copy)

    def _copy_shared(self, changed: Sequence[Tensor]) -> None:
        """Copies the values that a change in place is about to overwrite."""
        for tensor in changed:
            self._tensor_store.changes(tensor)
            for number in self._sharing.pop(_storage_key(tensor), ()):
                self.values[number] = self.values[number].clone()

    def _fill(self, number: int, tensor: Tensor) -> None:
        """Reads the content of an uninitialized tensor at its first use.

        A library may have filled it without a torch operation. All values without a reader so far count as its inputs.
        """
        if not bool(tensor.any()):
            return
        index = self._unfilled.pop(number)
        self._tensor_store.changes(tensor)
        copy = self._tensor_store.copy_of(tensor)
        if copy is not None:
            self.values[number] = copy
        used = {n for e in self.events for n in e.reads}
        unread = tuple(n for n in range(number) if n not in used)
        self.events[index] = replace(self.events[index], name="filled", reads=unread)


def _storage_key(tensor: Tensor) -> int:
    """Returns an identifier of the tensor's memory; a tensor of several pieces is its own identifier."""
    return storage_address(tensor.untyped_storage()) if is_strided(tensor) else -tensor_address(tensor)


def _layout_key(tensor: Tensor) -> object:
    """Returns an identifier that two tensors share if they are the same entries of the same memory."""
    if not is_strided(tensor):
        return _storage_key(tensor)
    return _storage_key(tensor), tensor.dtype, tensor.storage_offset(), tensor.shape, tensor.stride()
