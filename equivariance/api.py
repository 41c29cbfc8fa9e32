"""Public functions that check a callable, diagnose a network, or assert equivariance in a test.

`equivariance` exports `check`, `diagnose` and `assert_equivariant`. The command line calls `diagnose_subject`.
This module only binds arguments: the examination is in the engine, the printing in `report`.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ParamSpec

import torch

from equivariance._deadline import TimeLimitReached
from equivariance._engine.diagnosis.gradients import with_gradients
from equivariance._engine.diagnosis.request import Request, Resolved
from equivariance._engine.instrumentation.hooks import ModuleState
from equivariance._process_state import undisturbed
from equivariance._torch_private import is_compiled
from equivariance.contracts.callables import NOTICE, as_module, held_modules, name_of
from equivariance.contracts.contract import Contract
from equivariance.contracts.e3nn_call import drawn_inputs, options_of_e3nn
from equivariance.contracts.inputs import NOT_GIVEN, NotGiven, group_of_arguments
from equivariance.contracts.layers import layer_contracts
from equivariance.contracts.spec import Spec
from equivariance.errors import ArgumentError, EquivarianceAssertionError
from equivariance.findings import Outcome
from equivariance.groups.named import named_symmetries
from equivariance.progress import UNOBSERVED, Observer
from equivariance.report.report import Report
from equivariance.settings import MEMORY, Settings
from equivariance.subject import Subject

_Options = ParamSpec("_Options")

_POSITIONAL = 4


def _public(function: Callable[_Options, Report]) -> Callable[_Options, Report]:
    """Wraps a public function: it leaves the process as it was, and a fifth positional argument raises an error."""
    first = next(iter(inspect.signature(function).parameters))

    @functools.wraps(function)
    def wrapper(*args: _Options.args, **kwargs: _Options.kwargs) -> Report:
        __tracebackhide__ = True
        if len(args) > _POSITIONAL:
            expected = "options after irreps_out as keywords, for example group=... or kwargs=..."
            raise ArgumentError(f"argument {_POSITIONAL + 1} of {function.__name__}", args[_POSITIONAL], expected)
        held = ModuleState(_held_modules(args[0] if args else kwargs.get(first)))

        def run() -> Report:
            __tracebackhide__ = True
            held.separate()
            return function(*args, **kwargs)

        return undisturbed(run, [held])

    return wrapper


@_public
def check(
    func: Callable[..., Any], args: object, irreps_in: Spec | NotGiven = NOT_GIVEN,
    irreps_out: Spec | NotGiven = NOT_GIVEN, *,
    kwargs: Mapping[str, Any] | None = None, group: object = None, samples: int = 8, seed: int = 0,
    progress: bool = True,
) -> Report:  # fmt: skip
    """Compares f(g x) with g f(x) for one callable as a whole.

    Args:
        func: A function or a module. A module is tested on copies, in evaluation and training mode, with its given
            weights and with perturbed weights. A function runs itself; the modules that it uses are restored.
        args: Tuple of positional arguments, or a single one: tensors, or dicts, lists, tuples, dataclasses of tensors.
        irreps_in: A representation for each argument: irreps of the last axis, `"cartesian_points"`, or None
            (unchanged). A tuple in the order of `args`, or a dict by parameter name. If it is left out, it is read off
            the module and the data, or assumed by name and shape; the report says so.
        irreps_out: The representation of the output, in the same form. If it is left out, it is read off the module,
            or inferred from runs: the law that holds, else the nearest one.
        kwargs: Keyword arguments; their representations come from an `irreps_in` dict.
        group: A name ("translation", "so3", "o3", "se3", "e3", "scale", "permutation", "batch", ...), an object of
            `equivariance.groups`, or a list of both. If it is None, all symmetries are tested that apply to the
            arguments; the inversion is measured, and tested only if irreps of odd parity claim it. For tensors of escnn
            the default is the group of their space.
        samples: Number of elements that are drawn for each symmetry.
        seed: The seed of the elements and of perturbations.
        progress: True to draw a progress bar on standard error, if it is a terminal.

    Returns:
        A report with one row per symmetry, for the callable as a whole.

    Raises:
        ArgumentError: If an argument is invalid, or if the callable does not run on the inputs.
        ContractError: If a representation does not fit the tensors.
        UndeclaredTensorError: If a tensor has no representation in a given specification.
        ChoiceError: If `group` names no known group.
    """
    tested, named = _group(args, group)
    with _observer(name_of(func), progress) as observer:
        settings = Settings(samples=samples, seed=seed, inside=False, named=named, observer=observer)
        request = Request(as_module(func), args, irreps_in, irreps_out, kwargs, tested, {}, settings)
        return _report(request.resolve().examine(), func)


@_public
def diagnose(
    module: Callable[..., Any], args: object, irreps_in: Spec | NotGiven = NOT_GIVEN,
    irreps_out: Spec | NotGiven = NOT_GIVEN, *,
    kwargs: Mapping[str, Any] | None = None, group: object = None, layers: str | None = None,
    contracts: Mapping[str, Contract] | None = None, samples: int = 8, seed: int = 0, gradients: bool = False,
    memory: float = MEMORY, jobs: int = 1, time_limit: float | None = None, progress: bool = True,
) -> Report:  # fmt: skip
    """Finds the layers that violate a symmetry, with statement, cause and contributed error.

    Args:
        module: A module, or a function that is examined as a single layer.
        args, irreps_in, irreps_out, kwargs, group, samples, seed: As for `check`.
        layers: A substring of the dotted path or of the class name, or a glob. Only layers that match are searched and
            reported. Other layers are measured only as far as contributed errors need.
        contracts: Layer path or glob -> `Contract`; `*` matches one step of a path, `**` any number of steps. Layers
            with e3nn's `irreps_in` and `irreps_out` need none. If no contracts are given, the representations of inner
            layers are inferred from runs. A layer without a contract counts as code of the layer that calls it.
        gradients: True to test the gradients of the sum of all invariant outputs too. With respect to positions they
            must transform as vectors (forces).
        memory: GiB of recorded activations in memory. Further activations go to temporary files in the folder TMPDIR.
            The memory of a forward pass itself is not included.
        jobs: Number of processes that share the symmetries, one thread each. It needs a system that can fork a process,
            and a network on the CPU.
        time_limit: Seconds after which no pass of the network begins. The report says what was cut short; a symmetry
            that was not reached is not tested. None for no limit.
        progress: True to draw a progress bar on standard error, if it is a terminal.

    Returns:
        A report with one row per layer call and symmetry, the findings with their causes, and notes.

    Raises:
        ArgumentError: If an argument is invalid, or if the network does not run on the inputs.
        ContractError: If a representation does not fit the tensors.
        UndeclaredTensorError: If a tensor has no representation in a given specification.
        ChoiceError: If `layers` or a key of `contracts` matches no layer; the message lists the layers. Also if
            `group` names no known group.
    """
    root = as_module(module)
    known = layer_contracts(root, contracts or {})
    tested, named = _group(args, group)
    with _observer(name_of(module), progress) as observer:
        settings = Settings(
            samples=samples, seed=seed, layers=layers, named=named, infer=not contracts, memory=memory, jobs=jobs,
            observer=observer, time_limit=time_limit,
        ).started()  # fmt: skip
        resolved = _resolved(Request(root, args, irreps_in, irreps_out, kwargs, tested, known, settings))
        found = resolved.examine()
        if gradients:
            found = with_gradients(found, resolved.ready)
    return _report(found, module)


@_public
def assert_equivariant(
    func: Callable[..., Any], args_in: object = None, irreps_in: Spec = None, irreps_out: Spec = None, *,
    group: object = None, samples: int = 8, seed: int = 0, strict: bool = False, **kwargs: Any,
) -> Report:  # fmt: skip
    """Raises an `AssertionError` if a callable is not equivariant. The signature is that of e3nn, without tolerance.

    It is also raised if a symmetry that `group` names cannot be tested, or if nothing can be tested.

    Layers inside a module are localized. e3nn's options `ntrials`, `do_parity` and `do_translation` are taken with a
    deprecation warning; `tolerance` is rejected.

    Args:
        func: A function or a module, as for `check`.
        args_in: Example inputs: a tuple or list of positional arguments, or a single one. If it is None, 8 rows are
            drawn for each of the irreps that are given or that the module states.
        irreps_in: Representations of the inputs, as for `check`. If it is None, they are read off `func` as in e3nn, or
            assumed as by `diagnose`.
        irreps_out: Representations of the output, in the same form. An output that does not change is declared as
            `Invariant()`, because None means undeclared here.
        group: As for `check`. The default is "e3", the group that e3nn tests: rotations, inversion and translations.
            For tensors of escnn it is the group of their space.
        samples: Number of elements that are drawn for each symmetry.
        seed: The seed of the elements and of perturbations.
        strict: True to raise the error for every claimed symmetry that was not tested.
        **kwargs: Options of e3nn.

    Returns:
        The report, if nothing fails.

    Raises:
        EquivarianceAssertionError: If a symmetry is violated or was not tested; the text is the report.
        ArgumentError: If an argument is invalid, or if an option of e3nn is given that has no meaning here.
        ContractError: If a representation does not fit the tensors.
    """
    __tracebackhide__ = True
    samples, group = options_of_e3nn(kwargs, samples, group)
    root = as_module(func)
    if type(irreps_out) in (list, tuple) and len(irreps_out) == 1:  # type: ignore[arg-type]
        irreps_out = irreps_out[0]  # type: ignore[index]
    given = [
        _attribute(func, name) if irreps is None else irreps
        for name, irreps in (("irreps_in", irreps_in), ("irreps_out", irreps_out))
    ]
    args_in = drawn_inputs(root, None if given[0] is NOT_GIVEN else given[0], seed) if args_in is None else args_in
    tested = group_of_arguments(args_in, "e3") if group is None else group
    settings = Settings(samples=samples, seed=seed, infer=True, named=() if group is None else named_symmetries(group))
    request = Request(root, args_in, given[0], given[1], None, tested, layer_contracts(root, {}), settings)
    report = _report(request.resolve().examine(), func)
    failures = report.failures(strict)
    if failures:
        raise EquivarianceAssertionError(f"{report}\n" + "\n".join(f"failed: {why}" for why in failures))
    return report


def diagnose_subject(subject: Subject, group: object, settings: Settings) -> Report:
    """Diagnoses a subject with its own contracts, in its present state.

    Args:
        subject: The network with example inputs, representations and contracts.
        group: As for `check`.
        settings: Number of samples, seed and scope of the examination.

    Returns:
        The report, as from `diagnose`.

    Raises:
        ArgumentError: If the network does not run on the inputs of the subject.
        ContractError: If a representation does not fit the tensors.
        ChoiceError: If a key of the contracts matches no layer.
    """
    layers, settings = (
        layer_contracts(subject.module, subject.contracts),
        replace(settings, infer=not subject.contracts).started(),
    )
    request = Request(
        subject.module, subject.args, subject.irreps_in, subject.irreps_out, None, group, layers, settings, subject.name
    )  # fmt: skip
    return undisturbed(lambda: Report.of(_resolved(request).examine()))


def _resolved(request: Request) -> Resolved:
    """Returns the call with all representations.

    Raises:
        ArgumentError: If the time limit ends before.
    """
    try:
        return request.resolve()
    except TimeLimitReached as error:
        expected = "more seconds: they ended before the first symmetry, while inputs and outputs were tried"
        raise ArgumentError("time_limit", request.settings.time_limit, expected) from error


@contextmanager
def _observer(name: str, progress: bool) -> Iterator[Observer]:
    """Yields the observer of an examination: a progress bar if it is asked for and standard error is a terminal."""
    if not (progress and sys.stderr.isatty()):
        yield UNOBSERVED
        return
    from equivariance._progress_bar import ProgressBar  # the bar of rich is imported only where it is drawn

    with ProgressBar(quiet=False) as bar:
        bar.starts(name)
        yield bar


def _held_modules(function: object) -> list[torch.nn.Module]:
    """Returns the modules that a function holds; none for a module, which is copied as a whole."""
    return [] if isinstance(function, torch.nn.Module) or not callable(function) else held_modules(function)


def _group(args: object, group: object) -> tuple[object, tuple[str, ...] | None]:
    """Returns the group to test, and the symmetries that the caller names; None if the arguments decide."""
    if group is not None:
        return group, named_symmetries(group)
    stated = group_of_arguments(args, None)
    return stated, None if stated is None else ()


def _report(outcome: Outcome, function: Callable[..., Any]) -> Report:
    """Returns the report, with a remark if the function was given to a compiler."""
    noted = [*outcome.assumptions, NOTICE] if is_compiled(function) else outcome.assumptions
    return Report.of(replace(outcome, assumptions=noted))


def _attribute(func: object, name: str) -> object:
    """Returns the attribute of a callable that is no module; modules are read by `equivariance.contracts.declared`."""
    return NOT_GIVEN if isinstance(func, torch.nn.Module) else getattr(func, name, NOT_GIVEN)
