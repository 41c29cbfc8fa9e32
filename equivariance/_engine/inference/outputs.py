"""The law of what a callable returns, where nobody states it: taken from the runs, leaf by leaf.

Of the laws that a leaf's shape allows, the first that holds under every symmetry is taken. Where none does, something
is broken, and the law that breaks the fewest symmetries, by the smallest error, is the likeliest to be meant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch

from equivariance._engine.inference.output_candidates import arranged, foreign, plain_laws, special_laws, stated_laws
from equivariance._engine.inference.output_provenance import Path
from equivariance._engine.inference.output_runs import Fit, Leaf, OutputRuns, observe
from equivariance._engine.measurement.prepare import BoundCall, Prepared
from equivariance._ranking import exceeds, ordered
from equivariance.contracts.adapter_registry import adapter_of
from equivariance.contracts.assumptions import Assumption, assume
from equivariance.contracts.inputs import NOT_GIVEN
from equivariance.errors import ArgumentError
from equivariance.groups.named import Symmetry
from equivariance.representations.base import Representation
from equivariance.representations.formatting import as_python, in_words
from equivariance.representations.standard import Invariant

MOTIONS = tuple(symmetry for symmetry in Symmetry if symmetry.is_motion)
_UNLIKE = 3.0
"""Where nothing holds, a law of a special form or unusual axes must be nearer than the plain ones by this factor."""

_FEWER = 1.5
"""And by this one where they break fewer symmetries."""

_LIMIT = 10.0


@dataclass(frozen=True)
class Outputs:
    """What a call returns is taken for.

    Attributes:
        specs: Representations, shaped like the value
        assumptions: One for each tensor
    """

    specs: object
    assumptions: tuple[Assumption, ...]

    @property
    def lines(self) -> list[str]:
        """What a report says of it, and the line that changes it."""
        change = f"what is returned; to change it, write irreps_out={as_python(self.specs)}"
        return [*map(str, self.assumptions), change]

    @property
    def asked(self) -> tuple[Assumption, ...]:
        """Those that obey a law which is none of those that are tried."""
        return tuple(a for a in self.assumptions if a.asked)

    def require(self) -> None:
        """Ask for what cannot be told.

        Raises:
            ArgumentError: Names each such tensor, and what was measured of it
        """
        if self.asked:
            found = "; ".join(f"{a.place} {list(a.shape)}: {a.why}" for a in self.asked)
            raise ArgumentError("irreps_out", NOT_GIVEN, f"a declaration, as no law that is known here fits: {found}")


def outputs_from_runs(ready: Prepared, runs: OutputRuns, stated: Mapping[Path, tuple[str, Representation]]) -> Outputs:
    """The laws of everything that a callable returns, with the evidence.

    Args:
        ready: Of a call with an output of which nothing is declared.
        runs: On the arguments of `ready`.
        stated: Of `laws_of_returned`.
    """
    return _outputs(ready, {leaf.path: _assumption(leaf, ready, stated) for leaf in observe(ready, runs)})


def likely_outputs(ready: Prepared, runs: OutputRuns, stated: Mapping[Path, tuple[str, Representation]]) -> object:
    """The specification that `outputs_from_runs` comes to, without the evidence."""
    leaves = observe(ready, runs)
    return _outputs(ready, {leaf.path: _likeliest(leaf, ready, stated) for leaf in leaves}).specs


def _outputs(ready: Prepared, chosen: Mapping[Path, Assumption]) -> Outputs:
    found: list[Assumption] = []
    specs = _specs(ready.runner.output, (), chosen, found)
    return Outputs(specs, tuple(found))


def _specs(value: Any, path: Path, chosen: Mapping[Path, Assumption], found: list[Assumption]) -> Any:
    """A specification shaped like `value`; what it is made of is added to `found`."""
    if isinstance(value, torch.Tensor):
        found.append(chosen[path])
        return chosen[path].representation
    if adapter_of(value) is not None:
        told = list(assume(value, ("output", *path)))
        found.extend(told)
        return {a.path[-1]: a.representation for a in told} if told else Invariant()
    if isinstance(value, Mapping):
        return {key: _specs(entry, (*path, key), chosen, found) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_specs(entry, (*path, i), chosen, found) for i, entry in enumerate(value)]
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _specs(getattr(value, f.name), (*path, f.name), chosen, found) for f in fields(value)}
    return Invariant()


def _assumption(leaf: Leaf, ready: Prepared, stated: Mapping[Path, tuple[str, Representation]]) -> Assumption:
    if not _is_finite(leaf):
        return _likeliest(leaf, ready, stated)
    shape, (source, returned) = tuple(leaf.example.shape), stated.get(leaf.path, ("", None))
    law, beside = _law(leaf, ready, returned)
    fits = leaf.fits(law)
    question = foreign(leaf, fits, ready) if returned is None else ""
    why = f"{source}{_evidence(fits, beside)}" + (f"; but {question}" if question else "")
    if shape and law.nodes is None and "permutation" in fits:
        why = f"no axis lists nodes; {why}"
    return Assumption(("output", *leaf.path), shape, law, why, leaf.example, bool(question))


def _likeliest(leaf: Leaf, ready: Prepared, stated: Mapping[Path, tuple[str, Representation]]) -> Assumption:
    """Without evidence, which takes further runs."""
    path, shape = ("output", *leaf.path), tuple(leaf.example.shape)
    if not _is_finite(leaf):
        return Assumption(path, shape, Invariant(), "it is not finite", leaf.example)
    law, _ = _law(leaf, ready, stated.get(leaf.path, ("", None))[1])
    return Assumption(path, shape, law, "", leaf.example)


def _is_finite(leaf: Leaf) -> bool:
    return not leaf.example.is_floating_point() or bool(leaf.example.isfinite().all())


def _law(leaf: Leaf, ready: Prepared, returned: Representation | None) -> tuple[Representation, str]:
    """The law, and how the next best one fits; `returned`: the law that a layer states, if one does."""
    law, beside = (returned, "") if returned is not None else _motion(leaf, ready.call)
    return _placed(leaf, law, ready.call), beside


def _motion(leaf: Leaf, call: BoundCall) -> tuple[Representation, str]:
    """The law under motions, and how the next best one fits where none holds."""
    plain = {law: _motions(leaf.fits(law)) for law in plain_laws(leaf.example)}
    plain = {law: fits for law, fits in plain.items() if fits or law == Invariant()}
    for law, fits in plain.items():
        if all(fit.holds for fit in fits.values()):
            return law, ""
    stated, special = (
        {law: fits for law in laws if (fits := _motions(leaf.fits(law)))}
        for laws in (stated_laws(leaf, call), special_laws(leaf))
    )
    for law, fits in {**stated, **special}.items():
        if all(fit.holds for fit in fits.values()):
            return law, ""
    first, *others = ordered(plain, lambda law: _rank(plain[law]))
    beside = _off(plain[first], in_words(first))
    for law, fits in ordered({**special, **stated}.items(), lambda item: (item[0] not in stated, *_rank(item[1]))):
        if _nearer(fits, plain[first], law in stated):
            return law, beside
    return first, _off(plain[others[0]], in_words(others[0])) if others else ""


def _nearer(fits: Mapping[str, Fit], plain: Mapping[str, Fit], stated: bool) -> bool:
    """Whether a law that is not plain is likelier to be meant: one that layers state, sooner."""
    times = 1.0 if stated else _FEWER if _rank(fits)[0] < _rank(plain)[0] else _UNLIKE
    return exceeds(_far(plain), times * _far(fits))


def _motions(fits: Mapping[str, Fit]) -> dict[str, Fit]:
    return {symmetry: fit for symmetry, fit in fits.items() if symmetry in MOTIONS}


def _rank(fits: Mapping[str, Fit]) -> tuple[int, float]:
    """Symmetries that are broken, and by how much together."""
    return sum(not f.holds for f in fits.values()), sum(min(f.error, _LIMIT) for f in fits.values() if not f.holds)


def _far(fits: Mapping[str, Fit]) -> float:
    """The error under rotation, or under inversion where rotation holds."""
    broken = [fits[s].error for s in ("rotation", "inversion") if s in fits and not fits[s].holds]
    return broken[0] if broken else 0.0


def _placed(leaf: Leaf, law: Representation, call: BoundCall) -> Representation:
    """With the axes of nodes and samples that hold, or come nearest, under permutations and selections."""
    tested = {g.symmetry for g in call.groups if Symmetry(g.symmetry).is_reordering}
    best, rank = law, (len(tested) + 1, 0.0)
    for tried in arranged(leaf.example, law, call, tested) if leaf.example.dim() else ():
        fits = {symmetry: fit for symmetry, fit in leaf.fits(tried).items() if symmetry in tested}
        count, error = _rank(fits)
        rows = tried.nodes is not None or leaf.example.dim() < 2  # rows that stay are rarer than nodes out of order
        if fits and (count < rank[0] or (count == rank[0] and rows and error * _UNLIKE < rank[1])):
            best, rank = tried, (count, error)
    return best


def _evidence(fits: Mapping[str, Fit], beside: str) -> str:
    """What an assumption rests on."""
    held = [symmetry for symmetry, fit in fits.items() if fit.holds]
    holds = f"holds under {', '.join(held)}" if held else ""
    off = _off(fits, "")
    return f"closest: {'; '.join(filter(None, [off, beside, holds]))}" if off else f"from the runs: {holds}"


def _off(fits: Mapping[str, Fit], law: str) -> str:
    """By how much a law is broken, and where."""
    broken = {symmetry: fit.largest for symmetry, fit in fits.items() if not fit.holds}
    words = ", ".join(f"{error:.2g} under {symmetry}" for symmetry, error in broken.items() if math.isfinite(error))
    shapes = ", ".join(symmetry for symmetry, error in broken.items() if not math.isfinite(error))
    found = [f"off by {words}" if words else "", f"another shape or NaN under {shapes}" if shapes else ""]
    return f"{law} {', '.join(filter(None, found))}".strip() if broken else ""
