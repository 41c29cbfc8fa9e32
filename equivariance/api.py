"""The public functions: check a callable, diagnose a network, assert in a test."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ParamSpec

import torch

from equivariance._engine.diagnosis.gradients import with_gradients
from equivariance._engine.diagnosis.request import Request
from equivariance._torch_private import is_compiled
from equivariance.contracts.callables import NOTICE, as_module
from equivariance.contracts.contract import Contract
from equivariance.contracts.inputs import NOT_GIVEN, NotGiven, group_of_arguments
from equivariance.contracts.layers import layer_contracts
from equivariance.contracts.spec import Spec
from equivariance.errors import ArgumentError, EquivarianceAssertionError
from equivariance.findings import Outcome
from equivariance.report.report import Report
from equivariance.settings import MEMORY, Settings
from equivariance.subject import Subject

_Options = ParamSpec("_Options")


_POSITIONAL = 4


def _at_most_four(function: Callable[_Options, Report]) -> Callable[_Options, Report]:
    """Options after `irreps_out` are keywords: a fifth positional argument gets an error that names them."""

    @functools.wraps(function)
    def checked(*args: _Options.args, **kwargs: _Options.kwargs) -> Report:
        __tracebackhide__ = True
        if len(args) > _POSITIONAL:
            expected = "options after irreps_out as keywords, for example group=... or kwargs=..."
            raise ArgumentError(f"argument {_POSITIONAL + 1} of {function.__name__}", args[_POSITIONAL], expected)
        return function(*args, **kwargs)

    return checked


@_at_most_four
def check(
    func: Callable[..., Any], args: object, irreps_in: Spec | NotGiven = NOT_GIVEN,
    irreps_out: Spec | NotGiven = NOT_GIVEN, *,
    kwargs: Mapping[str, Any] | None = None, group: object = None, samples: int = 8, seed: int = 0,
) -> Report:  # fmt: skip
    """Compare f(g.x) with g.f(x) for one callable, without looking inside.

    Args:
        func: A function or a module; a module is tested on a copy, in evaluation and training mode, with its weights
            and with perturbed ones
        args: Tuple of positional arguments (or a single one): tensors, or dicts, lists, tuples, dataclasses of tensors
        irreps_in: A representation for each argument: irreps of the last axis, `"cartesian_points"`, None (unchanged);
            a tuple in the order of `args`, or a dict by parameter name; where it is left out, it is read off the module
            and the data, or assumed by name and shape, and the report says so
        irreps_out: Likewise, for what is returned; where it is left out, it is read off the module, or taken from the
            runs: the law that holds or, where none does, the one that is nearest
        group: A name ("translation", "so3", "o3", "se3", "e3", "permutation", "batch"), an object of
            `equivariance.groups`, or a list of these; by default "se3", for tensors of escnn the group of their space
        kwargs: Keyword arguments; their representations come from an `irreps_in` dict
        samples, seed: Elements per symmetry, and the seed that draws them

    Returns:
        Report with one row per symmetry, for the callable as a whole.

    Raises:
        ArgumentError, ContractError, UndeclaredTensorError, ChoiceError: See `equivariance.errors`
    """
    settings = Settings(samples=samples, seed=seed, inside=False)
    tested = group_of_arguments(args, "se3") if group is None else group
    request = Request(as_module(func), args, irreps_in, irreps_out, kwargs, tested, {}, settings)
    return _report(request.resolve().examine(), func)


@_at_most_four
def diagnose(
    module: Callable[..., Any], args: object, irreps_in: Spec | NotGiven = NOT_GIVEN,
    irreps_out: Spec | NotGiven = NOT_GIVEN, *,
    kwargs: Mapping[str, Any] | None = None, group: object = None, layers: str | None = None,
    contracts: Mapping[str, Contract] | None = None, samples: int = 8, seed: int = 0, gradients: bool = False,
    memory: float = MEMORY, jobs: int = 1,
) -> Report:  # fmt: skip
    """Find the layers that break a symmetry, why, and how much of each break reaches the output.

    Args:
        module, args, irreps_in, irreps_out, kwargs, group, samples, seed: As for `check`
        layers: Search and report only layers that match: a substring of the dotted path or of the class name, or a
            glob. Of other layers only what the errors of these need is measured
        contracts: Layer path or glob -> `Contract`; layers with e3nn's `irreps_in` and `irreps_out` need none.
            Without any, what inner layers take and give is inferred from the runs. A layer of which nothing is known
            counts as code of the layer that calls it.
        gradients: Also check that the gradients of the sum of all invariant outputs transform as they must: with
            respect to positions as vectors (forces)
        memory: GiB of recorded activations that are held in memory; more of them go to temporary files, whose folder
            TMPDIR says. What a forward pass takes itself comes on top
        jobs: Processes that the symmetries are shared among, of one thread each; for systems that can copy a process,
            and networks that are on no GPU

    Raises:
        ChoiceError: `layers` or a key of `contracts` matches nothing; the message lists the layers
    """
    root = as_module(module)
    known = layer_contracts(root, contracts or {})
    settings = Settings(samples=samples, seed=seed, layers=layers, infer=not contracts, memory=memory, jobs=jobs)
    tested = group_of_arguments(args, "se3") if group is None else group
    resolved = Request(root, args, irreps_in, irreps_out, kwargs, tested, known, settings).resolve()
    found = resolved.examine()
    if gradients:
        found = with_gradients(found, resolved.ready)
    return _report(found, module)


@_at_most_four
def assert_equivariant(
    func: Callable[..., Any], args_in: object = None, irreps_in: Spec = None, irreps_out: Spec = None, *,
    group: object = None, samples: int = 8, seed: int = 0, **kwargs: Any,
) -> Report:  # fmt: skip
    """Raise where a callable is not equivariant; e3nn's signature, without its tolerance.

    `irreps_in` and `irreps_out` are read off `func` where they are left out, as in e3nn, or assumed as by
    `diagnose`; None leaves them out here, so that an output which does not change is an `Invariant`.
    `group` is "e3" by default, which is what e3nn tests (rotations, inversion, translations), for
    tensors of escnn the group of their space. Layers inside a module are localized. `tolerance`, `ntrials`,
    `do_parity` and `do_translation` are refused with a word on what replaces them.

    Raises:
        EquivarianceAssertionError: An `AssertionError` whose text is the report
    """
    __tracebackhide__ = True
    _refuse_old_options(kwargs)
    if args_in is None:
        raise ArgumentError("args_in", None, "example inputs, for example [torch.randn(8, 3)]")
    if type(irreps_out) in (list, tuple) and len(irreps_out) == 1:  # type: ignore[arg-type]
        irreps_out = irreps_out[0]  # type: ignore[index]
    given = [
        _attribute(func, name) if irreps is None else irreps
        for name, irreps in (("irreps_in", irreps_in), ("irreps_out", irreps_out))
    ]
    tested = group_of_arguments(args_in, "e3") if group is None else group
    report = diagnose(func, args_in, given[0], given[1], group=tested, samples=samples, seed=seed)
    if not report.ok:
        raise EquivarianceAssertionError(str(report))
    return report


def diagnose_subject(subject: Subject, group: object, settings: Settings) -> Report:
    """Diagnose a subject with its own contracts, in the state that it comes in."""
    layers, settings = (
        layer_contracts(subject.module, subject.contracts),
        replace(settings, infer=not subject.contracts),
    )
    request = Request(
        subject.module, subject.args, subject.irreps_in, subject.irreps_out, None, group, layers, settings, subject.name
    )  # fmt: skip
    return Report.of(request.resolve().examine())


def _report(outcome: Outcome, function: Callable[..., Any]) -> Report:
    """The report, with a word on what was given to a compiler."""
    noted = [*outcome.assumptions, NOTICE] if is_compiled(function) else outcome.assumptions
    return Report.of(replace(outcome, assumptions=noted))


def _refuse_old_options(options: Mapping[str, Any]) -> None:
    instead = {
        "tolerance": "no tolerance: the rounding floor is measured",
        "ntrials": "samples=...",
        "do_parity": "group='se3' for False, 'e3' for True",
        "do_translation": "group='o3' for False, 'e3' for True",
    }
    for name, value in options.items():
        raise ArgumentError(name, value, instead.get(name, "no such argument"))


def _attribute(func: object, name: str) -> object:
    """Returns what a callable that is no module states; modules are read by `equivariance.contracts.declared`."""
    return NOT_GIVEN if isinstance(func, torch.nn.Module) else getattr(func, name, NOT_GIVEN)
