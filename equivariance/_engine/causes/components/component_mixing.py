"""Finds out if a layer treats the components of an irrep separately: adds to, averages, rescales or mixes them.

`rotation` calls it last, when no axis, no grid and no other law explains the error.
"""

from __future__ import annotations

import torch

from equivariance._engine.causes.components.component_axis import degree_of, only_component, rows_of
from equivariance._engine.causes.components.row_maps import Rows, explain_row_map, names_of
from equivariance._engine.causes.experiment import Experiment
from equivariance._engine.causes.explanation import Explanation, explained
from equivariance._engine.causes.quantization import respects_the_cube
from equivariance._engine.instrumentation.perturbations import Change, generator_of, noisy, scaled
from equivariance.representations.base import Representation
from equivariance.representations.irreps import Irreps

_SAME = 1e-6
"""Two results that differ by less than this share are equal up to rounding."""


class Components:
    """Experiments with the components of a suspect's worst part.

    All runs that are compared draw the same random numbers: if the layer draws any, the run that nothing changes is
    repeated in the same way as the others.

    Args:
        experiment: The suspect under rotations.
        part: The worst part, in words.
    """

    def __init__(self, experiment: Experiment, part: str) -> None:
        """Runs nothing but a layer that draws random numbers."""
        own = experiment if experiment.state.mode == "eval" else experiment.by_itself()
        self.experiment, self.part = own or experiment, part
        self.how, self.label = experiment.how, experiment.key[1]
        self.degree = degree_of(self.how, self.label) or None
        self.size = 2 * (self.degree or 0) + 1
        self.tolerance = max(_SAME, 10 * experiment.tolerance)

    def explain(self) -> Explanation | None:
        """Returns the first that fits: a mean, a sum, a map of rows, a nonlinearity of components, a matrix."""
        if self.how is None or self.experiment.plain is None or not self.experiment.plain.is_floating_point():
            return None
        return self._explain_shifts() or self.explain_rows() or self._explain_dependence()

    def _explain_shifts(self) -> Explanation | None:
        """Returns the explanation if the output ignores one number added to all components, or all but their sum."""
        plain = self._values(self.experiment)
        moved = {
            added: self._values(self.experiment.with_inputs(_add_to_components(added)))
            for added in ((1, 1, 1), (1, -2, 1), (1, -2, 4))
        }
        if plain is None or any(v is None or v.shape != plain.shape for v in moved.values()):
            return None
        size = float(plain.norm())
        ignored = {added: self._is_negligible(v - plain, size) for added, v in moved.items() if v is not None}
        if ignored[1, 1, 1] and not ignored[1, -2, 4]:
            return explained(
                "component-normalization",
                f"adding one number to all components of the input leaves {self.part} as it is, adding (1, -2, 4) does "
                "not: their mean is taken out, as LayerNorm and softmax over components do",
            )
        if ignored[1, -2, 1] and not ignored[1, 1, 1] and self.degree is None:
            return explained(
                "component-sum",
                f"adding (1, -2, 1) to the components of the input leaves {self.part} as it is, adding one number to "
                "all does not: only the sum of the components is read",
            )
        return None

    def explain_rows(self) -> Explanation | None:
        """Returns the explanation if each row of the output comes from one row of an input, always in the same way."""
        other = self.experiment.with_inputs(noisy(0.3, self.experiment.seed)) if self.degree else None
        if other is None:
            return None
        pairs = zip(self._given_rows(self.experiment), self._given_rows(other), strict=True)
        explanations = (explain_row_map(runs, self.part, "the input") for runs in pairs)
        return next((found for found in explanations if found), None)

    def _given_rows(self, experiment: Experiment) -> list[Rows]:
        """Returns, for each input with as many rows of components as the output, its rows and those of the output."""
        made, found = self._values(experiment), []
        for _, tensor, how in experiment.inputs():
            labels = how.labels if isinstance(how, Irreps) else ("",)
            for label in (k for k in labels if made is not None and degree_of(how, k) == self.degree):
                rows = rows_of(tensor.detach().cpu().double(), how, label)
                found += [(rows, made)] if made is not None and rows.shape == made.shape else []
        return found

    def _explain_dependence(self) -> Explanation | None:
        """Returns the explanation from the dependence of output components on input components."""
        reads = self._reads() if self.degree else None
        if reads is None:
            return None
        alone, affine = bool((reads == torch.diag(reads.diagonal())).all()), self._is_affine()
        if alone and not affine:
            odd = " (an odd one: the 24 rotations of the cube are respected)"
            return explained(
                "component-nonlinearity",
                f"each component of {self.part} reads only the same component of the input, and not in proportion: a "
                f"nonlinearity acts on single components{odd if respects_the_cube(self.experiment) else ''}",
            )
        if alone:
            return explained(
                "component-mask",
                f"each component of {self.part} reads only the same component of the input, in proportion, and the "
                "factors of a vector's components differ (a mask, a dropout or weights for single components)",
            )
        return self._explain_matrix(reads) if affine else None

    def _explain_matrix(self, reads: torch.Tensor) -> Explanation:
        """Returns the explanation for an affine function whose output components read several input components."""
        names = names_of(self.size)
        row = next((i for i in range(self.size) if int(reads[i].sum()) > 1), 0)
        read = ", ".join(n for n, r in zip(names, reads[row].tolist(), strict=True) if r)
        return explained(
            "component-matrix",
            f"component {names[row]} of {self.part} reads components {read} of the input, in proportion: a matrix acts "
            "on the components",
        )

    def _reads(self) -> torch.Tensor | None:
        """Returns [2l+1, 2l+1] booleans: True if component i of the output moves when component j of the input does."""
        plain, columns = self._values(self.experiment), []
        if plain is None:
            return None
        for component in range(self.size):
            other = self._values(self.experiment.with_inputs(self._change_component(component)))
            if other is None or other.shape != plain.shape:
                return None
            columns.append((other - plain).norm(dim=0))
        found = torch.stack(columns, dim=1)
        return found > self.tolerance * float(found.max()) if bool(found.max() > 0) else None

    def _is_affine(self) -> bool:
        """True if the output at the middle of two inputs is the mean of their outputs."""
        size = 0.5
        changes = [_add_noise(k * size, self.experiment.seed) for k in range(3)]
        values = [self._values(self.experiment.with_inputs(change)) for change in changes]
        if any(v is None or v.shape != values[0].shape for v in values):  # type: ignore[union-attr]
            return False
        first, middle, last = (v for v in values if v is not None)
        return self._is_negligible(first + last - 2 * middle, float(middle.norm()))

    def _change_component(self, component: int) -> Change:
        generator = generator_of(self.experiment.seed)

        def change(tensor: torch.Tensor, how: Representation, _: str) -> torch.Tensor:
            if not how.turns:
                return tensor
            noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float64, device="cpu")
            size = float(tensor.double().square().mean().sqrt())
            return tensor + (0.3 * size * noise * only_component(tensor, how, self.size, component)).to(tensor)

        return change

    def _values(self, experiment: Experiment | None) -> torch.Tensor | None:
        """Returns the components as rows, or the whole of a part without components; None if not all are finite."""
        if experiment is None or experiment.plain is None or self.how is None:
            return None
        values = experiment.plain if self.degree is None else rows_of(experiment.plain, self.how, self.label)
        return values if bool(torch.isfinite(values).all()) else None

    def _is_negligible(self, difference: torch.Tensor, size: float) -> bool:
        return float(difference.norm()) <= max(1e-9, 10 * self.experiment.tolerance) * size


def _add_to_components(added: tuple[int, int, int]) -> Change:
    """Adds the root mean square times three numbers to the components of every irrep of degree 1.

    Three equal numbers are also added to all other entries along the axis of the components.
    """

    def change(tensor: torch.Tensor, how: Representation, _: str) -> torch.Tensor:
        if not how.turns:
            return tensor
        shift = sum(number * only_component(tensor, how, 3, k) for k, number in enumerate(added))
        size = 0.7 * float(tensor.double().square().mean().sqrt())
        return tensor + size * (added[0] if len(set(added)) == 1 else torch.as_tensor(shift).to(tensor))

    return change


def _add_noise(size: float, seed: int) -> Change:
    """Adds noise of the same seed, scaled by `size`."""
    return noisy(size, seed) if size else scaled(1.0)
