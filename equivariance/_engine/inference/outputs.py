"""Infers the undeclared representations of the values that a callable returns, leaf by leaf.

Of the laws that a leaf's shape allows, the first that holds under every symmetry is taken. If no law holds, the
callable violates its symmetry. The law with the fewest violated symmetries is then taken, and of several the one with
the smallest error.

`diagnosis.request` calls it. Candidates come from `output_candidates`, values from `output_runs`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch

from equivariance._engine.inference.output_candidates import (
    law_of_like_input,
    laws_with_axes,
    laws_with_mask,
    plain_laws,
    special_laws,
    stated_laws,
    unknown_under,
)
from equivariance._engine.inference.output_provenance import Path
from equivariance._engine.inference.output_runs import Fit, Leaf, OutputRuns, observe
from equivariance._engine.measurement.prepare import BoundCall, Prepared, UnjudgedOutputs
from equivariance._ranking import exceeds, ordered
from equivariance.contracts.adapter_registry import adapter_of
from equivariance.contracts.assumption import Assumption, Grounds, How
from equivariance.contracts.assumptions import assume
from equivariance.contracts.inputs import Inputs
from equivariance.contracts.sample_lists import EACH
from equivariance.groups.named import Symmetry
from equivariance.representations.base import Representation
from equivariance.representations.formatting import as_python, in_words
from equivariance.representations.sample_list import SampleList
from equivariance.representations.standard import Invariant
from equivariance.representations.unjudged import Unjudged

MOTIONS = tuple(symmetry for symmetry in Symmetry if symmetry.is_motion and symmetry.is_read_off)
_RUNS = Grounds(How.BY_RUNS, How.BY_RUNS, How.BY_RUNS)
_UNLIKE = 3.0
"""Factor by which a law of a special form or with unusual axes must be nearer than a plain law, if none holds."""

_FEWER = 1.5
"""The same factor for a law that violates fewer symmetries than the plain law."""

_LIMIT = 10.0


@dataclass(frozen=True)
class Outputs:
    """The representations that the output of a call is assumed to have.

    Attributes:
        value: The output.
        assumptions: Keys and fields from the output to a tensor -> the assumption about it.
    """

    value: object
    assumptions: Mapping[Path, Assumption]

    @property
    def specs(self) -> object:
        """Representations, shaped like the value: the closest law of each tensor."""
        return _specs(self.value, (), self.assumptions, [])

    @property
    def lines(self) -> list[str]:
        """The lines of the report about the output, and the declaration that changes them."""
        told: list[Assumption] = []
        _specs(self.value, (), self.assumptions, told)
        return [*map(str, told), f"what is returned; to change it, write {self._declaration}"]

    @property
    def _declaration(self) -> str:
        """The argument `irreps_out` that declares these laws; `...` stands for an unknown law."""
        return f"irreps_out={as_python(self._without(a for a in self.assumptions.values() if a.unknown_under))}"

    def _without(self, asked: Iterable[Assumption]) -> object:
        """Returns the specification in which nothing of some tensors is compared."""
        left_out = {a.path[1:]: replace(a, representation=Unjudged()) for a in asked}
        return _specs(self.value, (), {**self.assumptions, **left_out}, [])

    def unjudged(self, inputs: Inputs) -> dict[str, UnjudgedOutputs]:
        """Returns symmetry -> the tensors that obey no known law under it.

        Args:
            inputs: The inputs of the runs; the words say how they were read.
        """
        symmetries = dict.fromkeys(s for a in self.assumptions.values() for s in a.unknown_under)
        return {symmetry: self._unjudged_under(symmetry, inputs) for symmetry in symmetries}

    def _unjudged_under(self, symmetry: str, inputs: Inputs) -> UnjudgedOutputs:
        asked = [a for a in self.assumptions.values() if symmetry in a.unknown_under]
        found = "; ".join(f"{a.place} {list(a.shape)}: {a.why}" for a in asked)
        read = f"; irreps_in={inputs.declaration()} was assumed" if inputs.assumptions else ""
        reason = f"no law that is known here fits {found}; write it in place of ...: {self._declaration}{read}"
        return UnjudgedOutputs(self._without(asked), reason, len(asked) == len(self.assumptions))


def outputs_from_runs(ready: Prepared, runs: OutputRuns, stated: Mapping[Path, tuple[str, Representation]]) -> Outputs:
    """Returns the laws of all tensors that a callable returns, with the evidence.

    Args:
        ready: The prepared call; its output is undeclared.
        runs: Runs the module on the arguments of `ready`.
        stated: The result of `laws_of_returned`.
    """
    found = {leaf.path: _assumption(leaf, ready, stated) for leaf in observe(ready, runs)}
    return Outputs(ready.runner.output, found)


def likely_outputs(ready: Prepared, runs: OutputRuns, stated: Mapping[Path, tuple[str, Representation]]) -> object:
    """Returns the specification of `outputs_from_runs` without the evidence."""
    found = {leaf.path: _likeliest(leaf, ready, stated) for leaf in observe(ready, runs)}
    return Outputs(ready.runner.output, found).specs


def _specs(value: Any, path: Path, chosen: Mapping[Path, Assumption], found: list[Assumption]) -> Any:
    """Returns a specification shaped like `value`, and adds its assumptions to `found`."""
    if isinstance(value, torch.Tensor):
        found.append(chosen[path])
        return chosen[path].representation
    if adapter_of(value) is not None:
        assumed = list(assume(value, ("output", *path)))
        found.extend(assumed)
        return {a.path[-1]: a.representation for a in assumed} if assumed else Invariant()
    if isinstance(value, Mapping):
        return {key: _specs(entry, (*path, key), chosen, found) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        joined = chosen.get((*path, EACH))
        entries = enumerate(value) if joined is None else ()
        each = [_specs(entry, (*path, i), chosen, found) for i, entry in entries]
        return each if joined is None else _spec_of_samples(value, joined, found)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _specs(getattr(value, f.name), (*path, f.name), chosen, found) for f in fields(value)}
    return Invariant()


def _spec_of_samples(samples: Sequence[torch.Tensor], joined: Assumption, found: list[Assumption]) -> SampleList:
    """Returns the specification of a list of samples, from the law of the entries one after the other."""
    law = replace(joined.representation, batch=None)
    found.append(replace(joined, shape=tuple(samples[0].shape), representation=law, value=samples[0]))
    return SampleList(law)


def _assumption(leaf: Leaf, ready: Prepared, stated: Mapping[Path, tuple[str, Representation]]) -> Assumption:
    if not _is_finite(leaf):
        return _likeliest(leaf, ready, stated)
    shape, (source, returned) = tuple(leaf.example.shape), stated.get(leaf.path, ("", None))
    law, beside = _law(leaf, ready, returned)
    fits = leaf.fits(law)
    unknown, question = unknown_under(leaf, fits, ready) if returned is None else ((), "")
    why = f"{source}{_evidence(fits, beside)}" + (f"; but {question}" if unknown else "")
    if shape and law.nodes is law.edges is None and "permutation" in fits:
        why = f"no axis lists nodes; {why}"
    path = ("output", *leaf.path)
    return Assumption(path, shape, law, why, leaf.example, grounds=_RUNS, unknown_under=unknown)


def _likeliest(leaf: Leaf, ready: Prepared, stated: Mapping[Path, tuple[str, Representation]]) -> Assumption:
    """Returns the assumption without its evidence, which needs further runs."""
    path, shape = ("output", *leaf.path), tuple(leaf.example.shape)
    if not _is_finite(leaf):
        return Assumption(path, shape, Invariant(), "it is not finite", leaf.example, grounds=_RUNS)
    law, _ = _law(leaf, ready, stated.get(leaf.path, ("", None))[1])
    return Assumption(path, shape, law, "", leaf.example, grounds=_RUNS)


def _is_finite(leaf: Leaf) -> bool:
    return not leaf.example.is_floating_point() or bool(leaf.example.isfinite().all())


def _law(leaf: Leaf, ready: Prepared, returned: Representation | None) -> tuple[Representation, str]:
    """Returns the law, and the fit of the second best in words; `returned` is the law that a layer states, or None."""
    law, beside = (returned, "") if returned is not None else _law_under_motions(leaf, ready.call)
    return _with_axes(leaf, law, ready.call), beside


def _law_under_motions(leaf: Leaf, call: BoundCall) -> tuple[Representation, str]:
    """Returns the law under motions; if no law holds, also the fit of the second best in words."""
    plain = {law: _under_motions(leaf.fits(law)) for law in plain_laws(leaf.example)}
    plain = {law: fits for law, fits in plain.items() if fits or law == Invariant()}
    for law, fits in plain.items():
        if all(fit.holds for fit in fits.values()):
            return law, ""
    for law in laws_with_mask(leaf.example, plain, call):
        if all(fit.holds for fit in _under_motions(leaf.fits(law)).values()):
            return law, ""
    stated, special = (
        {law: fits for law in laws if (fits := _under_motions(leaf.fits(law)))}
        for laws in (stated_laws(leaf, call), special_laws(leaf))
    )
    for law, fits in {**stated, **special}.items():
        if all(fit.holds for fit in fits.values()):
            return law, ""
    first, *others = ordered(plain, lambda law: _rank(plain[law]))
    if not any(fit.holds for fit in plain[first].values()):
        # No error tells the laws apart if none holds: an output shaped like the positions should rather be positions.
        like = law_of_like_input(leaf.example, plain, call)
        first, others = (first, others) if like is None else (like, [law for law in plain if law != like])
    beside = _describe_errors(plain[first], in_words(first))
    for law, fits in ordered({**special, **stated}.items(), lambda item: (item[0] not in stated, *_rank(item[1]))):
        if _is_nearer(fits, plain[first], law in stated):
            return law, beside
    return first, _describe_errors(plain[others[0]], in_words(others[0])) if others else ""


def _is_nearer(fits: Mapping[str, Fit], plain: Mapping[str, Fit], stated: bool) -> bool:
    """True if a law is likelier than the best plain one.

    A law that holds under rotation is likelier than one that does not. Otherwise its error must be smaller by a margin,
    which is smaller for a law that layers state.
    """
    if "rotation" in fits and fits["rotation"].holds and not plain["rotation"].holds:
        return True
    times = 1.0 if stated else _FEWER if _rank(fits)[0] < _rank(plain)[0] else _UNLIKE
    return exceeds(_motion_error(plain), times * _motion_error(fits))


def _under_motions(fits: Mapping[str, Fit]) -> dict[str, Fit]:
    return {symmetry: fit for symmetry, fit in fits.items() if symmetry in MOTIONS}


def _rank(fits: Mapping[str, Fit]) -> tuple[int, float]:
    """Returns the number of violated symmetries and the sum of their errors."""
    return sum(not f.holds for f in fits.values()), sum(min(f.error, _LIMIT) for f in fits.values() if not f.holds)


def _motion_error(fits: Mapping[str, Fit]) -> float:
    """Returns the error under rotation; if rotation holds, the error under inversion."""
    broken = [fits[s].error for s in ("rotation", "inversion") if s in fits and not fits[s].holds]
    return broken[0] if broken else 0.0


def _with_axes(leaf: Leaf, law: Representation, call: BoundCall) -> Representation:
    """Returns the law with the node and sample axes that fit permutations and selections best."""
    tested = {g.symmetry for g in call.groups if Symmetry(g.symmetry).is_reordering}
    best, rank = law, (len(tested) + 1, 0.0)
    arrangements = list(laws_with_axes(leaf.example, law, call, tested)) if leaf.example.dim() else []
    if arrangements and not leaf.was_seen_under(tested):  # the callable raises an error on reordered inputs
        return arrangements[0]
    for tried in arrangements:
        fits = {symmetry: fit for symmetry, fit in leaf.fits(tried).items() if symmetry in tested}
        count, error = _rank(fits)
        rows = tried.nodes is not None or leaf.example.dim() < 2  # rows that stay are rarer than nodes out of order
        if fits and (count < rank[0] or (count == rank[0] and rows and error * _UNLIKE < rank[1])):
            best, rank = tried, (count, error)
    return best


def _evidence(fits: Mapping[str, Fit], beside: str) -> str:
    """Returns the evidence for an assumption in words."""
    held = [symmetry for symmetry, fit in fits.items() if fit.holds]
    holds = f"holds under {', '.join(held)}" if held else ""
    off = _describe_errors(fits, "")
    return f"closest: {'; '.join(filter(None, [off, beside, holds]))}" if off else f"from the runs: {holds}"


def _describe_errors(fits: Mapping[str, Fit], law: str) -> str:
    """Returns the errors of a law under the violated symmetries in words; "" if there are none."""
    broken = {symmetry: fit.largest for symmetry, fit in fits.items() if not fit.holds}
    words = ", ".join(f"{error:.2g} under {symmetry}" for symmetry, error in broken.items() if math.isfinite(error))
    shapes = ", ".join(symmetry for symmetry, error in broken.items() if not math.isfinite(error))
    found = [f"off by {words}" if words else "", f"another shape or NaN under {shapes}" if shapes else ""]
    return f"{law} {', '.join(filter(None, found))}".strip() if broken else ""
