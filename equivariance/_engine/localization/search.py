"""Finds the statements whose replacement removes the error.

The search tries single statements first, in one or in all executions, then the smallest set of statements (`joint`). If
neither removes the error, it replaces several statements in turn, each of which is the first broken operation once the
earlier ones are replaced.

`locate_statement` calls `Search.run`. The recordings are made by `intervention`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from equivariance._engine.instrumentation.operations import JOINING_OPS
from equivariance._engine.instrumentation.source_lines import SourceLine
from equivariance._engine.laws.forms import IrrepLaw, Law
from equivariance._engine.laws.matching import Match
from equivariance._engine.localization.intervention import InterventionRunner
from equivariance._engine.localization.joint import smallest_set
from equivariance._engine.localization.proposals import dimensions, merge_laws, replacements
from equivariance._engine.localization.slicing import Laws, Slicer, StatementRun

_MOST_SINGLE = 12
"""Largest number of statements that are tried by themselves."""

_MOST_ROUNDS = 6
"""Largest number of statements that are replaced in turn."""


class Search:
    """The search in the recordings of one call.

    Attributes:
        runner: Makes the runs.
        flow: The recordings with nothing replaced.
        backward_slice, first_broken_operations: What carries the error, and where it may begin.
        open_places: Other statements that may be at fault, if the statement found is about components that obey no law
            by themselves.
    """

    def __init__(self, runner: InterventionRunner, flow: Slicer) -> None:
        """Computes the backward slice and the suspects; `flow` holds the recordings with nothing replaced."""
        self.runner, self.flow = runner, flow
        self.backward_slice, self.first_broken_operations = runner.suspects(flow)
        self.open_places: list[SourceLine | None] = []
        self._live_out_values: dict[StatementRun, list[int]] = {}

    def run(self) -> dict[StatementRun, Laws]:
        """Returns the replacements of the statements at fault, in order of execution; {} if none removes the error."""
        found = (
            self._single()
            or self._layout()
            or self._put_together()
            or self._joint()
            or self._sequential()
            or self._sequential(hidden=True)
        )
        kept = dict(found)
        for unit in reversed(found):  # a statement is not at fault if the other replacements remove the error
            rest = {u: v for u, v in kept.items() if u != unit}
            if self._residual(merge_laws(rest)) <= self.runner.residual and not self._reaches_later(
                found[unit], unit, rest
            ):
                del kept[unit]
        return kept

    def _single(self) -> dict[StatementRun, Laws]:
        """Returns the first suspect whose replacement removes the error by itself.

        The other suspects may work in local frames, which a later statement cancels. The replacement covers all
        executions: a statement may break a value again, and so may other layers of its class.
        """
        for unit in itertools.islice(
            dict.fromkeys(self.flow.statement_at(index) for index in self.first_broken_operations), _MOST_SINGLE
        ):
            for laws in self._replacements_by_scope(unit):
                if self._residual(laws) <= self.runner.residual and self._originates_in(unit, laws, {}):
                    return self._with_earlier(unit, self._by_layer(unit, laws))
        return {}

    def _with_earlier(self, unit: StatementRun, laws: Mapping[StatementRun, Laws]) -> dict[StatementRun, Laws]:
        """Returns the replacements with that of an earlier statement, or the earlier one alone.

        A later statement that keeps its law once the earlier one is replaced is sound: its own replacement was chosen
        to hide what it reads.
        """
        earlier = self._earlier_statement(self.flow, unit, {})
        flow = self.runner.flow(merge_laws(earlier)) if earlier else None
        if flow is not None and all(flow.level(n) == Match.EXACT for n in merge_laws(laws)):
            return earlier
        return {**earlier, **laws}

    def _layout(self) -> dict[StatementRun, Laws]:
        """Returns a change of layout whose replacement removes the error.

        The layout gives components another order; the error appears only where the components are used.
        """
        for number in self.flow.broken_by_layout(self.backward_slice)[:_MOST_SINGLE]:
            for laws in replacements(self.runner, self.flow, [number]):
                if self._residual(laws) <= self.runner.residual:
                    return {self.flow.statement_making(number): laws}
        return {}

    def _put_together(self) -> dict[StatementRun, Laws]:
        """Returns a statement that puts components together, if its replacement by irreps removes the error.

        What is computed from single components, as an angle is, obeys no law and may be right all the same.
        """
        numbers = (n for n in sorted(self.backward_slice) if self.flow.event(n).name in JOINING_OPS)
        for number in itertools.islice(numbers, _MOST_SINGLE):
            for law in self.flow.irreps_on_last_axis(number):
                if self._residual({number: law}) <= self.runner.residual:
                    return self._among_components(number, law)
        return {}

    def _among_components(self, number: int, law: IrrepLaw) -> dict[StatementRun, Laws]:
        """Returns the statement to name for components that are put together wrongly.

        If all components but those of one statement are components of a lawful value, that statement is named.
        """
        joining = self.flow.statement_making(number)
        wrong = [self.flow.statement_making(n) for n in self._odd_components(number, law)]
        if wrong and len({unit.place for unit in wrong}) == 1:
            self.open_places = [joining.place]
            return {wrong[0]: {number: law}}
        self.open_places = [self.flow.events[i].place for i in self.first_broken_operations]
        return {joining: {number: law}}

    def _odd_components(self, number: int, law: IrrepLaw) -> list[int]:
        """Returns the components of a value that obey no law, in blocks with others that are as they should be."""
        event = self.flow.event(number)
        sizes = [2 * d + 1 for d in law.axes[0][1]]
        if event.name != "stack" or len(event.reads) != sum(sizes):
            return []
        reads = iter(event.reads)
        blocks = [list(itertools.islice(reads, size)) for size in sizes]
        known = {n: self.flow.is_partial(n) for n in event.reads}
        return [n for block in blocks if any(known[n] for n in block) for n in block if not known[n]]

    def _joint(self) -> dict[StatementRun, Laws]:
        """Returns the smallest set of statements whose replacement removes the error."""
        return dict(sorted(smallest_set(self.runner, self.flow).items(), key=lambda item: item[0].first))

    def _sequential(self, hidden: bool = False) -> dict[StatementRun, Laws]:
        """Replaces suspects one after the other.

        If `hidden`, suspects that appear only after other replacements are replaced too.
        """
        laws: dict[StatementRun, Laws] = {}
        tried: set[int] = set()
        for _ in range(_MOST_ROUNDS):
            flow = self.runner.flow(merge_laws(laws)) if laws else self.flow
            if flow is None:
                break
            backward_slice, first_broken_operations = self.runner.suspects(flow)
            remaining = [
                i for i in first_broken_operations if i not in tried and (hidden or i in self.first_broken_operations)
            ]
            if not remaining:
                break
            tried.add(remaining[0])
            for unit in flow.units(remaining[0]):
                found, is_removed = self._best_replacement(
                    flow, unit, backward_slice, merge_laws(laws), len(first_broken_operations), hidden
                )
                if is_removed:
                    return {**laws, **self._earlier_statement(flow, unit, laws), unit: found}
                if found:
                    laws[unit] = found
                    wide = self._all_layers(laws) if hidden else {}
                    if wide:
                        return wide
                    break
        return {}

    def _best_replacement(
        self, flow: Slicer, unit: StatementRun, backward_slice: set[int], known: Laws, count: int, hidden: bool
    ) -> tuple[Laws, bool]:
        """Returns the replacement that leaves the fewest suspects, and True if it removes the error.

        It must leave fewer suspects than `count`. If there is none and `hidden`, returns the replacement by the laws of
        the inputs. It counts only if the slice becomes smaller and all suspects come later.
        """
        fewest: tuple[int, Laws] = (count, {})
        kept: Laws = {}
        values = flow.live_out(unit, backward_slice, self.runner.targets)
        nearest = {n: law for n in values for law in flow.laws_near(n)[:1]}
        for laws in replacements(self.runner, flow, values):
            tape, error = self.runner.try_replacement({**known, **laws})
            if error <= self.runner.residual:
                return laws, True
            remaining = None if tape is None else self.runner.slice_first_element(tape)
            if remaining is not None:
                rest, suspects = self.runner.suspects(remaining)
                fewest = min(fewest, (len(suspects), laws), key=lambda f: f[0])
                if hidden and laws == nearest and len(rest) < len(backward_slice) and min(suspects) >= unit.last:
                    kept = laws
        return fewest[1] or kept, False

    def _earlier_statement(
        self, flow: Slicer, found: StatementRun, laws: Mapping[StatementRun, Laws]
    ) -> dict[StatementRun, Laws]:
        """Returns the first statement before `found` whose replacement also removes the error."""
        for number, law in flow.sources(found):
            unit = flow.statement_making(number)
            if unit.first < found.first and self._residual({**merge_laws(laws), number: law}) <= self.runner.residual:
                return self._earlier_statement(flow, unit, laws) or {unit: {number: law}}
        return {}

    def _all_layers(self, laws: Mapping[StatementRun, Laws]) -> dict[StatementRun, Laws]:
        """Applies each replacement to all executions of its statement. Returns {} if the error remains."""
        wide: dict[StatementRun, Laws] = {}
        for unit, found in laws.items():
            wide[unit] = dict(found)
            for other in self.flow.executions_of(unit, self.backward_slice, anywhere=True):
                values = self._live_out(other)
                if dimensions(self.flow, values) == dimensions(self.flow, found):
                    wide[unit] = {**wide[unit], **dict(zip(values, found.values(), strict=True))}
        if wide == laws or self._residual(merge_laws(wide)) > self.runner.residual:
            return {}
        if not all(
            self._originates_in(u, w, merge_laws({o: v for o, v in wide.items() if o != u})) for u, w in wide.items()
        ):
            return {}
        return {u: w for unit, found in wide.items() for u, w in self._by_layer(unit, found).items()}

    def _by_layer(self, unit: StatementRun, laws: Laws) -> dict[StatementRun, Laws]:
        """Splits the replacement of a statement by the layers that execute it."""
        found: dict[str, tuple[StatementRun, dict[int, Law]]] = {unit.layer: (unit, {})}
        for other in self.flow.executions_of(unit, self.backward_slice, anywhere=True):
            values = self._live_out(other)
            found.setdefault(other.layer, (other, {}))[1].update({n: laws[n] for n in values if n in laws})
        known = {n for _, own in found.values() for n in own}
        found[unit.layer][1].update({n: law for n, law in laws.items() if n not in known})
        return {first: own for first, own in found.values() if own}

    def _originates_in(self, unit: StatementRun, laws: Laws, known: Laws) -> bool:
        """True if the error originates in a statement whose executions were all replaced, not upstream.

        A statement that adds up broken values also removes the error if every execution is replaced.
        """
        times = self.flow.executions_of(unit, self.backward_slice, anywhere=True)
        values = {u: set(self._live_out(u)) & set(laws) for u in times}
        several = [u for u in times if values[u]]
        for last in reversed(several) if len(several) > 1 else ():
            rest = {n: law for n, law in laws.items() if n not in values[last]}
            tape, error = self.runner.try_replacement({**known, **rest})
            if error > self.runner.residual:
                remaining = None if tape is None else self.runner.slice_first_element(tape)
                suspects = [] if remaining is None else self.runner.suspects(remaining)[1]
                return any(last.first <= i < last.last for i in suspects)
        return True

    def _reaches_later(self, values: Laws, unit: StatementRun, others: Mapping[StatementRun, Laws]) -> bool:
        """True if the broken values of a statement reach a later replaced statement: then both are at fault."""
        reached = set(values)
        for event in self.flow.events[unit.first :]:
            if reached.intersection(event.reads):
                reached.update(event.writes)
        return any(reached.intersection(found) for other, found in others.items() if other.first > unit.first)

    def _replacements_by_scope(self, unit: StatementRun) -> Iterator[Laws]:
        """Yields replacements for one execution of a statement, for all executions in its layer, and in all layers."""
        runs = (self.flow.executions_of(unit, self.backward_slice, anywhere) for anywhere in (False, True))
        times = (tuple(tuple(self._live_out(u)) for u in units) for units in ([unit], *runs))
        for values in dict.fromkeys(times):
            first, *others = (dimensions(self.flow, own) for own in values)
            # Use the laws of the first execution, which is not affected by an earlier error.
            if others and all(other == first for other in others):
                for laws in replacements(self.runner, self.flow, values[0]):
                    yield {n: law for own in values for n, law in zip(own, laws.values(), strict=True)}
            yield from replacements(self.runner, self.flow, [n for own in values for n in own])

    def _live_out(self, unit: StatementRun) -> list[int]:
        """Returns the live-out values of a statement; cached, because every event is visited."""
        if unit not in self._live_out_values:
            self._live_out_values[unit] = self.flow.live_out(unit, self.backward_slice, self.runner.targets)
        return self._live_out_values[unit]

    def _residual(self, laws: Laws) -> float:
        return self.runner.try_replacement(laws)[1]
