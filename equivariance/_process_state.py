"""Restores the state of the process that a diagnosis, or the network under test, changes.

`api` runs every diagnosis `undisturbed`. A run of the network sets the default dtype and seeds the generators
(`_engine.instrumentation.hooks: preserve_globals`), and restores them itself: this module is for what an interrupt or
the network leaves behind. `PARTS` is the list of all that is preserved; docs/security.md shows it.
"""

from __future__ import annotations

import gc
import random
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import torch

from equivariance._torch_private import cut_modes, modes_entered

_LOCK = threading.RLock()
"""Held by the thread that diagnoses: the default dtype and the generators belong to the whole process."""

R = TypeVar("R")


class Part(NamedTuple):
    """One part of the state of a process.

    Attributes:
        name: The part in words.
        read: Returns its value.
        write: Sets its value.
    """

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], None]


class Restorable(Protocol):
    """A state that can be restored, also several times."""

    def restore(self) -> None:
        """Restores it."""


def _cuda_states() -> list[torch.Tensor]:
    return torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []


def _set_cuda_states(states: list[torch.Tensor]) -> None:
    if states:
        torch.cuda.set_rng_state_all(states)


def _deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _set_deterministic(state: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(state[0], warn_only=state[1])


def _autocast() -> tuple[Any, ...]:
    kinds = ("cpu", "cuda")
    enabled = [(kind, torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)) for kind in kinds]
    return (*enabled, torch.is_autocast_cache_enabled())


def _set_autocast(state: tuple[Any, ...]) -> None:
    *kinds, caching = state
    for kind, enabled, dtype in kinds:
        torch.set_autocast_enabled(kind, enabled)
        torch.set_autocast_dtype(kind, dtype)
    torch.set_autocast_cache_enabled(caching)


def _cudnn() -> tuple[bool, bool, bool]:
    backend = torch.backends.cudnn
    return backend.enabled, backend.benchmark, backend.deterministic


def _set_cudnn(state: tuple[bool, bool, bool]) -> None:
    backend = torch.backends.cudnn
    backend.enabled, backend.benchmark, backend.deterministic = state


def _attention() -> tuple[bool, bool, bool]:
    cuda = torch.backends.cuda
    return cuda.flash_sdp_enabled(), cuda.mem_efficient_sdp_enabled(), cuda.math_sdp_enabled()


def _set_attention(state: tuple[bool, bool, bool]) -> None:
    cuda = torch.backends.cuda
    cuda.enable_flash_sdp(state[0])
    cuda.enable_mem_efficient_sdp(state[1])
    cuda.enable_math_sdp(state[2])


def _anomaly() -> tuple[bool, bool]:
    return torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()


def _call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Calls a function that sets something at once, and drops what it returns."""
    function(*args, **kwargs)


def _filters() -> tuple[list[Any], Any]:
    # The list itself: `catch_warnings` puts a copy in its place, and the import of a library adds to the list.
    return warnings.filters, warnings.showwarning  # type: ignore[return-value]


def _set_filters(state: tuple[list[Any], Any]) -> None:
    if warnings.filters is not state[0]:
        warnings.filters = state[0]
        with warnings.catch_warnings():  # its end tells the interpreter that the list is another one
            pass
    warnings.showwarning = state[1]


def _filling() -> bool:
    return bool(getattr(torch.utils.deterministic, "fill_uninitialized_memory"))  # noqa: B009


def _set_filling(enabled: bool) -> None:
    setattr(torch.utils.deterministic, "fill_uninitialized_memory", enabled)  # noqa: B010


PARTS = (
    Part("modes of PyTorch (dispatch and functions)", modes_entered, cut_modes),
    Part("random state of Python", random.getstate, random.setstate),
    Part("random state of NumPy", lambda: np.random.get_state(legacy=False), np.random.set_state),  # noqa: NPY002
    Part("random state of PyTorch", torch.get_rng_state, torch.set_rng_state),
    Part("random states of the CUDA devices in use", _cuda_states, _set_cuda_states),
    Part("default dtype", torch.get_default_dtype, torch.set_default_dtype),
    Part("recording of gradients", torch.is_grad_enabled, lambda enabled: _call(torch.set_grad_enabled, enabled)),
    Part("detection of anomalies", _anomaly, lambda state: _call(torch.autograd.set_detect_anomaly, *state)),
    Part("deterministic algorithms", _deterministic, _set_deterministic),
    Part(
        "filling of uninitialized memory",
        _filling,
        _set_filling,
    ),
    Part(
        "precision of float32 matrix products",
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
    ),
    Part("cuDNN: enabled, benchmark, deterministic", _cudnn, _set_cudnn),
    Part("kernels of scaled dot-product attention", _attention, _set_attention),
    Part("autocast: enabled, dtype and cache", _autocast, _set_autocast),
    Part("number of threads of PyTorch", torch.get_num_threads, torch.set_num_threads),
    Part("warnings that PyTorch repeats", torch.is_warn_always_enabled, torch.set_warn_always),
    Part("treatment of floating-point errors by NumPy", np.geterr, lambda state: _call(np.seterr, **state)),
    Part("filters and display of warnings", _filters, _set_filters),
)


class ProcessState:
    """The state of all parts at one moment."""

    def __init__(self) -> None:
        """Reads all parts."""
        self._values = [part.read() for part in PARTS]

    def restore(self) -> None:
        """Sets every part that has another value."""
        for part, value in zip(PARTS, self._values, strict=True):
            if not _same(part.read(), value):
                part.write(value)


def undisturbed(work: Callable[[], R], others: Iterable[Restorable] = ()) -> R:
    """Runs a diagnosis alone, and restores the state of the process after it, also after an interrupt.

    A second thread waits until the first has finished. A diagnosis within a diagnosis runs at once.

    Args:
        work: The diagnosis.
        others: Other states to restore, for example of the modules that a function holds.
    """
    __tracebackhide__ = True
    with _LOCK:
        states: Sequence[Restorable] = [ProcessState(), *others]
        try:
            return work()
        except BaseException as error:
            chain = _chain(error)
            interrupt = next((e for e in chain if isinstance(e, KeyboardInterrupt)), None)
            if interrupt is not None or not isinstance(error, Exception):
                _end_suspended(chain)
            if interrupt not in (None, error):  # code that was cleaning up after the interrupt raised another error
                raise interrupt from error
            raise
        finally:
            _restore(states)


def _restore(states: Sequence[Restorable]) -> None:
    """Restores states. An interrupt meanwhile is raised when all are restored."""
    interrupt: KeyboardInterrupt | None = None
    left = list(states)
    while left:
        try:
            left[-1].restore()
            left.pop()
        except KeyboardInterrupt as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt


def _chain(error: BaseException) -> list[BaseException]:
    """Returns an error and the errors during whose handling it was raised."""
    found: list[BaseException] = []
    left: BaseException | None = error
    while left is not None and left not in found:
        found.append(left)
        left = left.__cause__ or left.__context__
    return found


def _end_suspended(errors: Iterable[BaseException]) -> None:
    """Ends contexts that an interrupt left suspended: they would restore an older state whenever they are freed."""
    for error in errors:
        traceback.clear_frames(error.__traceback__)
    gc.collect()


def _same(value: Any, other: Any) -> bool:
    """True if two values of a part are equal, whatever arrays they hold."""
    if isinstance(value, torch.Tensor):
        return torch.equal(value, other)
    if isinstance(value, np.ndarray):
        return bool(np.array_equal(value, other))
    if isinstance(value, dict):
        return value.keys() == other.keys() and all(_same(v, other[k]) for k, v in value.items())
    if isinstance(value, (list, tuple)) and value is not other:
        return len(value) == len(other) and all(map(_same, value, other))
    return bool(value is other or value == other)
