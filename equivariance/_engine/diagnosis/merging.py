"""Merges findings that have one root: one mistake is one finding, with all layers and symmetries that show it.

`examine` calls `merged` on the findings of all symmetries. This module measures nothing: it compares places and causes.

Two findings at one statement have one root in these cases:

- Several layers of one class run the statement.
- The symmetries are rotation and inversion, or the causes are equal.
- The expression at fault is the same: one call, one mistake.
- The causes belong together (`_RELATED`) and one expression contains the other.

Two findings of one layer at different statements have one root if one of them is open ("either A or B") and the other
one decides it.

Two mistakes in one statement, at different expressions and with unrelated causes, stay two findings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import torch

from equivariance._engine.diagnosis.places import MADE_BY_THE_CALLER
from equivariance._ranking import ordered
from equivariance.findings import MORE_THAN_A_JUMP, Finding

_IMPROPER = frozenset({"rotation", "inversion"})
"""Together they are the orthogonal group: code that mixes components breaks both."""

_RELATED = (
    frozenset({"absolute-position", "component-mixing", "frame-dependent", "wrong-irrep", "discretization"}),
    frozenset({"order-dependent", "batch-coupled"}),
    frozenset({"discrete-tie", "discontinuous"}),
)
"""Causes that one mistake has under several symmetries.

Coordinates that enter a map break translation as positions and rotation as components. Rows that are counted over the
whole batch break permutation and batch. A selection that flips is a tie or a jump.
"""


def merged(findings: Sequence[Finding], kind_of: Callable[[str], object]) -> list[Finding]:
    """Returns one finding for each root, in the order of the first findings.

    Args:
        findings: The findings, the most important first.
        kind_of: Layer -> an object that layers of one class share.
    """
    roots = list(range(len(findings)))
    for (i, one), (j, other) in combinations(enumerate(findings), 2):
        if roots[i] != roots[j] and _have_one_root(one, other, kind_of):
            kept, gone = sorted((roots[i], roots[j]))
            roots = [kept if root == gone else root for root in roots]
    return [_merge([f for f, r in zip(findings, roots, strict=True) if r == root]) for root in dict.fromkeys(roots)]


def with_one_of(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Returns the first finding, with the statements of the others as alternatives.

    Where two branches differ, the mistake may be in either one.

    Args:
        findings: Findings of one symmetry, the largest contribution first.
    """
    first, *others = findings
    known = (*first.alternatives, *(place for f in others for place in (f.location, *f.alternatives)))
    places = tuple(dict.fromkeys(place for place in known if place and place != first.location))
    return (replace(first, located="suspect", alternatives=places) if places else first,)


def class_of(module: torch.nn.Module, layer: str) -> type:
    """Returns the class that defines the `forward` of a layer: its own, or one that it derives from."""
    kind = type(module.get_submodule(layer))
    return next((base for base in kind.__mro__ if "forward" in vars(base)), kind)


def _merge(members: Sequence[Finding]) -> Finding:
    """Returns the first finding with the layers and symmetries of all; its evidence names the causes of the others."""
    first, told = _at_common_place(members), _told_by(members)
    others: dict[str, dict[str, None]] = {}
    for member in members:
        if member.cause != told.cause:
            others.setdefault(member.cause, {}).update(dict.fromkeys(member.symmetries))
    clauses = [f"under {', '.join(symmetries)} it is {cause}" for cause, symmetries in others.items()]
    return replace(
        first,
        cause=told.cause,
        mechanism=told.mechanism,
        fix=told.fix,
        evidence="; ".join([told.evidence, *clauses]),
        layers=tuple(dict.fromkeys(layer for member in members for layer in member.layers)),
        symmetries=tuple(dict.fromkeys(symmetry for member in members for symmetry in member.symmetries)),
    )


def _at_common_place(members: Sequence[Finding]) -> Finding:
    """Returns the first finding; if the place of a finding is open, at the places that explain all findings."""
    first = members[0]
    places = {str(place): place for m in members for place in (m.location, *m.alternatives) if place is not None}
    common = [name for name in places if all(name in _places(m) for m in members)]
    if not common or not any(m.alternatives for m in members):
        return first
    chosen = next((m for m in members if str(m.location) in common), first)
    place, *others = ordered(common, lambda name: name == str(chosen.location), descending=True)
    sure = any(m.located == "confirmed" for m in members)
    return replace(
        first,
        location=places[place],
        located="confirmed" if sure else "suspect",
        alternatives=tuple(places[name] for name in others),
        chain=chosen.chain,
    )


def _places(finding: Finding) -> list[str]:
    """Returns the statements that may explain a finding, as `file:line`."""
    return list(dict.fromkeys(map(str, [finding.location, *finding.alternatives])))


def _told_by(members: Sequence[Finding]) -> Finding:
    """Returns the finding whose cause and evidence are told: the first one, but rotation in place of inversion.

    The experiments under rotation explain an inversion of the same layer.
    """
    first = members[0]
    turned = (m for m in members if m.symmetry == "rotation" and m.layer == first.layer)
    return next(turned, first) if first.symmetry == "inversion" else first


def _have_one_root(one: Finding, other: Finding, kind_of: Callable[[str], object]) -> bool:
    """True if two findings come from one mistake."""
    if _kind_of_evidence(one) != _kind_of_evidence(other):
        return False
    if one.layer == other.layer and one.mechanism == other.mechanism and one.mechanism in MADE_BY_THE_CALLER:
        return True
    if one.located == "layer" or other.located == "layer":
        return one.located == other.located and (one.layer, one.cause) == (other.layer, other.cause)
    if one.location is None or other.location is None:
        return False
    if str(one.location) != str(other.location):
        return one.layer == other.layer and _is_decided_by(one, other)
    same_expression = one.location.columns == other.location.columns
    same_cause = same_expression and one.cause == other.cause
    same_kind = kind_of(one.layer) == kind_of(other.layer) or same_cause or _calls_the_other(one, other, kind_of)
    return same_kind and (same_expression or _is_one_mistake(one, other))


def _calls_the_other(one: Finding, other: Finding, kind_of: Callable[[str], object]) -> bool:
    """True if one finding is about the statement of a class, and the other about the layer that it calls there."""
    same = one.mechanism != "" and (one.cause, one.mechanism) == (other.cause, other.mechanism)
    pairs = ((one.layer, other.layer), (other.layer, one.layer))
    return same and any("." in inner and kind_of(inner.rpartition(".")[0]) == kind_of(outer) for inner, outer in pairs)


def _is_decided_by(one: Finding, other: Finding) -> bool:
    """True if one of two findings is open, and a statement that may explain it is at fault in the other one."""
    is_open = bool(one.alternatives or other.alternatives) and "suspect" in (one.located, other.located)
    common = [place for place in _places(one) if place in _places(other)]
    related = {one.symmetry, other.symmetry} == _IMPROPER or one.cause == other.cause
    return is_open and bool(common) and related


def _kind_of_evidence(finding: Finding) -> tuple[bool, bool, bool]:
    """Returns if a finding needs no transformation, if a jump does not explain all, and if a response is missing."""
    return finding.symmetry == "none", MORE_THAN_A_JUMP in finding.evidence, finding.cause == "insensitive"


def _is_one_mistake(one: Finding, other: Finding) -> bool:
    """True if two findings at different expressions of one statement come from one mistake."""
    if one.symmetry == other.symmetry or {one.symmetry, other.symmetry} == _IMPROPER or one.cause == other.cause:
        return True
    related = "unknown" in (one.cause, other.cause) or any({one.cause, other.cause} <= group for group in _RELATED)
    return related and _contains(one, other)


def _contains(one: Finding, other: Finding) -> bool:
    """True if one of two expressions contains the other. An expression without columns is the whole line."""
    wide, narrow = (f.location.columns if f.location else None for f in (one, other))
    if wide is None or narrow is None:
        return True
    (first, last), (start, end) = wide, narrow
    return (first <= start and end <= last) or (start <= first and last <= end)
