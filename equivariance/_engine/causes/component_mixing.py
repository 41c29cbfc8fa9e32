"""Finds out if a layer treats the components of an irrep separately: adds to, averages, rescales or mixes them.

`rotation` calls it last, when no axis, no grid and no other law explains the error.
"""

from __future__ import annotations

import torch

from equivariance._engine.causes.experiment import Experiment, degree_of, part_of, rows_of
from equivariance._engine.causes.explanation import Explanation
from equivariance._engine.causes.quantization import respects_the_cube
from equivariance._engine.instrumentation.perturbations import Change, generator_of, noisy, scaled, turns
from equivariance.groups.elements import cube_rotations
from equivariance.representations.base import Representation
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import CartesianPoints

_SAME = 1e-6
"""Two results that differ by less than this share are equal up to rounding."""


_ZERO = 1e-9
"""Share of the largest number below which another number is zero up to rounding."""


class Components:
    """Experiments with the components of a suspect's worst part.

    Args:
        experiment: The suspect under rotations.
        part: The worst part, in words.
    """

    def __init__(self, experiment: Experiment, part: str) -> None:
        """Runs nothing yet."""
        self.experiment, self.part = experiment, part
        self.how, self.label = experiment.how, experiment.key[1]
        self.degree = degree_of(self.how, self.label)
        self.size = 2 * (self.degree or 0) + 1
        self.tolerance = max(_SAME, 10 * experiment.tolerance)

    def explain(self) -> Explanation | None:
        """Returns the first that fits: a constant, a mean, a nonlinearity of components, or a matrix on them."""
        if self.how is None or self.experiment.plain is None or not self.experiment.plain.is_floating_point():
            return None
        return self._explain_constant() or self._explain_mean() or self._explain_dependence()

    def _explain_constant(self) -> Explanation | None:
        """Returns the explanation if the deviation is the same for other inputs."""
        here, other = self._deviation(self.experiment), self.experiment.with_inputs(noisy(0.3, self.experiment.seed))
        there = None if other is None else self._deviation(other)
        if not self.degree or here is None or there is None or here.shape != there.shape:
            return None
        allowed = max(self.tolerance, self.experiment.tolerance / self.experiment.error)
        if float((here - there).norm()) > allowed * float(here.norm()):
            return None
        length = self._constant_length()
        return Explanation(
            "component-mixing",
            f"the deviation of {self.part} is the same for other inputs: a constant{length} is added to the components",
            "Drop the bias of everything that turns (bias=False); scalars may have one.",
        )

    def _constant_length(self) -> str:
        """Returns the constant b in words, from D = b - R b under half turns about x, y and z; "" if l is not 1."""
        if self.degree != 1:
            return ""
        halves = [r for r in cube_rotations() if abs(sum(r.matrix[i][i] for i in range(3)) + 1) < 1e-9]
        halves = [r for r in halves if all(abs(r.matrix[i][i]) == 1 for i in range(3))]
        total = torch.zeros(3, dtype=torch.float64, device="cpu")
        for half in halves:
            outcome = self.experiment.outcome(half)
            if outcome.made is None or outcome.wanted is None or not outcome.comparable or self.how is None:
                return ""
            rows = rows_of(outcome.made - outcome.wanted, self.how, self.label, 3)
            if float((rows - rows[0]).norm()) > self.tolerance * float(rows.norm()):
                return ""
            total += rows[0] / 4  # each component is 2 b under two of the three half turns
        return f" {_format_numbers(total)}"

    def _explain_mean(self) -> Explanation | None:
        """Returns the explanation if one number added to all components has no effect and other additions have."""
        plain = self._values(self.experiment)
        moved = [
            self._values(self.experiment.with_inputs(_shift_components(direction)))
            for direction in ((1, 1, 1), (1, -2, 4))
        ]
        if plain is None or moved[0] is None or moved[1] is None or moved[0].shape != plain.shape:
            return None
        if moved[1].shape != plain.shape:
            return None
        size = float(plain.norm())
        if not self._is_negligible(moved[0] - plain, size) or self._is_negligible(moved[1] - plain, size):
            return None
        return Explanation(
            "component-mixing",
            f"adding one number to all components of the input leaves {self.part} as it is, adding (1, -2, 4) does "
            "not: their mean is taken out, as LayerNorm and softmax over components do",
            "Normalize by norms: divide vectors by the root mean square of their norms over channels, without a mean.",
        )

    def _explain_dependence(self) -> Explanation | None:
        """Returns the explanation from the dependence of output components on input components."""
        reads = self._reads() if self.degree else None
        if reads is None:
            return None
        alone, affine = bool((reads == torch.diag(reads.diagonal())).all()), self._is_affine()
        if alone and not affine:
            return self._explain_nonlinearity()
        return self._explain_matrix(reads) if affine else None

    def _explain_nonlinearity(self) -> Explanation:
        odd = " (an odd one: the 24 rotations of the cube are respected)" if respects_the_cube(self.experiment) else ""
        return Explanation(
            "component-mixing",
            f"each component of {self.part} reads only the same component of the input, and not in proportion: a "
            f"nonlinearity acts on single components{odd}",
            "Apply the nonlinearity to norms or scalars and multiply the vectors by the result (a gate).",
        )

    def _explain_matrix(self, reads: torch.Tensor) -> Explanation:
        """Returns the explanation for an affine function: a matrix on the components, fitted if rows correspond."""
        names = "xyz" if self.degree == 1 else [f"m={m}" for m in range(-(self.degree or 0), (self.degree or 0) + 1)]
        row = next((i for i in range(self.size) if bool(reads[i].any())), 0)
        read = ", ".join(n for n, r in zip(names, reads[row].tolist(), strict=True) if r)
        seen = f"component {names[row]} of {self.part} reads components {read} of the input"
        fix = "Mix channels, not components: a weight [channels out, channels in] on tensors [..., channels, 3]."
        fitted, alone = self._fit_matrix(), bool((reads == torch.diag(reads.diagonal())).all())
        if fitted is None and alone:
            return Explanation(
                "component-mixing",
                f"each component of {self.part} reads only the same component of the input, in proportion, and the "
                "factors of a vector's components differ (a mask, a dropout or weights for single components)",
                "Scale or drop whole vectors: one factor for all components of an irrep.",
            )
        if fitted is None:
            return Explanation("component-mixing", f"{seen}, in proportion: a matrix acts on the components", fix)
        matrix, constant = fitted
        added = f" and adds the constant {_format_numbers(constant)}" if bool(constant.any()) else ""
        if alone:
            text = f"the components of {self.part} are those of the input times {_format_numbers(matrix.diagonal())}"
            return Explanation(
                "component-mixing",
                f"{text}{added}: each is scaled or normalized by itself",
                "Scale whole vectors: one factor for all components of an irrep; normalize by norms.",
            )
        text = f"{seen}, with the factors {_format_numbers(matrix[row])}{added}: a matrix acts on the components"
        if bool((matrix.abs().sort(dim=1).values[:, :-1] == 0).all() and (matrix.abs().amax(dim=1) == 1).all()):
            fix = "Put the components in the order that is declared: e3nn's degree 1 is x, y, z."
        return Explanation("component-mixing", text, fix)

    def _fit_matrix(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Returns matrix and constant if each output vector comes from one input vector; else None."""
        plain = self._values(self.experiment)
        single = [t for _, t, how in self.experiment.inputs() if turns(how) and t.shape[-1] == self.size]
        if plain is None or len(single) != 1 or single[0].numel() != plain.numel():
            return None
        given = single[0].detach().cpu().double().reshape(-1, self.size)
        given = torch.cat([given, torch.ones(len(given), 1, dtype=torch.float64, device="cpu")], dim=1)
        solution = torch.linalg.lstsq(given, plain.reshape(-1, self.size), driver="gelsd").solution
        if not self._is_negligible(given @ solution - plain.reshape(-1, self.size), float(plain.norm())):
            return None
        nearest = solution.round()
        solution = torch.where((solution - nearest).abs() < 1e-9, nearest, solution)
        return solution[:-1].T, solution[-1]

    def _reads(self) -> torch.Tensor | None:
        """Returns [2l+1, 2l+1] booleans: True if component i of the output moves when component j of the input does."""
        plain, columns = self._values(self.experiment), []
        if plain is None:
            return None
        for component in range(self.size):
            other = self._values(self.experiment.with_inputs(self._change_component(component)))
            if other is None or other.shape != plain.shape:
                return None
            columns.append((other - plain).reshape(-1, self.size).norm(dim=0))
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
            if not turns(how):
                return tensor
            noise = torch.randn(tensor.shape, generator=generator, dtype=torch.float64, device="cpu")
            size = float(tensor.double().square().mean().sqrt())
            return tensor + (0.3 * size * noise * _mask(tensor, how, self.size, component)).to(tensor)

        return change

    def _deviation(self, experiment: Experiment) -> torch.Tensor | None:
        outcome = experiment.outcome(self.experiment.element)
        if outcome.made is None or outcome.wanted is None or not outcome.comparable or self.how is None:
            return None
        return part_of(outcome.made - outcome.wanted, self.how, self.label)

    def _values(self, experiment: Experiment | None) -> torch.Tensor | None:
        if experiment is None or experiment.plain is None or self.how is None:
            return None
        values = part_of(experiment.plain, self.how, self.label)
        return values if bool(torch.isfinite(values).all()) else None

    def _is_negligible(self, difference: torch.Tensor, size: float) -> bool:
        return float(difference.norm()) <= max(1e-9, 10 * self.experiment.tolerance) * size


def _format_numbers(values: torch.Tensor) -> str:
    """Returns the numbers in parentheses; a number that is rounding relative to the largest is written as zero."""
    known = torch.where(values.abs() > _ZERO * values.abs().max(), values, 0.0)
    return "(" + ", ".join(f"{v:.3g}" for v in known.tolist()) + ")"


def _shift_components(direction: tuple[int, int, int]) -> Change:
    """Adds the root mean square times `direction`, repeated, to the components of every tensor that turns."""

    def change(tensor: torch.Tensor, how: Representation, _: str) -> torch.Tensor:
        if not turns(how):
            return tensor
        repeats, length = tensor.shape[-1] // 3 + 1, tensor.shape[-1]
        pattern = torch.tensor(direction, dtype=torch.float64, device="cpu").repeat(repeats)[:length]
        return tensor + (0.7 * float(tensor.double().square().mean().sqrt()) * pattern).to(tensor)

    return change


def _add_noise(size: float, seed: int) -> Change:
    """Adds noise of the same seed, scaled by `size`."""
    return noisy(size, seed) if size else scaled(1.0)


def _mask(tensor: torch.Tensor, how: Representation, size: int, component: int) -> torch.Tensor:
    """Returns 1 at one component of every irrep of dimension `size`, 0 elsewhere; shape of the last axis."""
    if isinstance(how, CartesianPoints):
        return how.along_axis([float(i == component and size == 3) for i in range(3)], tensor.cpu())
    assert isinstance(how, Irreps)
    pieces = [
        torch.eye(size, dtype=torch.float64, device="cpu")[component].repeat(mul)
        if 2 * degree + 1 == size
        else torch.zeros(mul * (2 * degree + 1), dtype=torch.float64, device="cpu")
        for mul, degree, _ in how.blocks
    ]
    return torch.cat(pieces)
