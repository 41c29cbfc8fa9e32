"""Every operator changes one place of a small source, and the changed function computes what it says."""

import ast
import difflib

import pytest
import torch
from torch import nn

from benchmarks.mutants.catalogue import CALLED, CATALOGUE
from benchmarks.mutants.mutate import mutant, sites
from benchmarks.mutants.operators import CHANGES
from benchmarks.mutants.split import held_out
from benchmarks.mutants.values import Context, probed, recording

X, Y = (
    torch.tensor([[0.3, -0.2, 0.9], [1.1, 0.4, -0.7], [0.2, 0.5, 0.6], [-1.0, 2.0, 0.1]]),
    torch.arange(12.0).view(4, 3),
)
ENDS, B = torch.tensor([[0, 1, 2], [1, 2, 3]]), torch.tensor([0, 0, 1, 1])
STEP = 0.1 * torch.tensor([0.0, 1.0, 0.0])

# Operator -> the expression of a function of x, y [4, 3], i [2, 3] and batch [4], and what the mutants may compute.
CASES = {
    "constant-on-components": ("x * 1.0", [lambda: X + 0.1]),
    "constant-on-some-channels": ("x * 1.0", [lambda: X + STEP]),
    "nonlinearity-on-components": ("x * 1.0", [X.relu]),
    "absolute-value-on-components": ("x * 1.0", [X.abs]),
    "components-normalized": ("x * 1.0", [lambda: nn.functional.layer_norm(X, (3,))]),
    "components-in-another-order": ("x * 1.0", [lambda: X[:, [2, 0, 1]]]),
    "components-clamped": ("x * 1.0", [lambda: X.clamp(-0.5, 0.5)]),
    "components-rounded": ("x * 1.23", [lambda: (1.23 * X).round(decimals=1), lambda: X.round(decimals=1) * 1.23]),
    "axis-stretched": ("x * 1.0", [lambda: X * torch.tensor([1.0, 2.0, 3.0])]),
    "fixed-axis": ("x.norm(dim=-1, keepdim=True)", [lambda: X[:, 2:]]),
    "l1-for-l2": ("(x ** 2).sum(-1)", [lambda: X.abs().sum(-1)]),
    "maximum-for-sum": ("x.sum(dim=-1)", [lambda: X.amax(-1)]),
    "bias-after-scaling": ("x * 2", [lambda: 2 * X + 0.1]),
    "absolute-for-relative": ("x - y", [lambda: X]),
    "sum-for-difference": ("x - y", [lambda: X + Y]),
    "coordinates-not-kept": ("x + y", [lambda: X]),
    "arguments-exchanged": ("torch.sub(x, y)", [lambda: Y - X]),
    "halves-exchanged": ("torch.cat((x, y), -1)", [lambda: torch.cat((Y, X), -1)]),
    "index-axes-exchanged": ("x[i[0]]", [lambda: X[ENDS[1]]]),
    "atan2-arguments": ("torch.atan2(x, y)", [lambda: torch.atan2(Y, X)]),
    "cross-product-sign": ("torch.linalg.cross(x, y)", [lambda: torch.linalg.cross(Y, X)]),
    "transpose-left-out": ("(x @ y.T).transpose(0, 1)", [lambda: X @ Y.T]),
    "transpose-put-in": ("torch.matmul(x, y.T)", [lambda: (X @ Y.T).T]),
    "reduction-axis": ("x.sum(dim=-1, keepdim=True)", [lambda: X.sum(0, keepdim=True)]),
    "softmax-axis": ("x.softmax(dim=-1)", [lambda: X.softmax(0)]),
    "new-axis-moved": ("batch[:, None] * batch", [lambda: B[None, :] * B]),
    "index-offset-dropped": ("i + 4 * torch.ones_like(i)", [lambda: ENDS]),
    "batch-vector-left-out": ("x[batch]", [lambda: X[[0, 0, 0, 0]]]),
    "mask-left-out": ("x.masked_fill(x > 0.5, 0.0)", [lambda: X]),
    "clone-dropped": ("x.clone().add_(1)", [lambda: X + 1]),
    "dtype-dropped": ("torch.zeros(2, dtype=torch.float64)", [lambda: torch.zeros(2)]),
    "float32-constant": ("x / 3", [lambda: X / 3]),
    "sorted": ("x * 1.0", [lambda: X.sort(0)[0]]),
    "capped": ("x.repeat(2, 1)[:4] + x", [lambda: 2 * X]),
    "node-numbers": ("x * 1.0", [lambda: X + 0.1 * torch.arange(4)[:, None]]),
    "running-sum": ("x * 1.0", [lambda: X.cumsum(0)]),
    "next-in-order": ("x * 1.0", [lambda: X.roll(1, 0)]),
    "mean-over-everything": ("x * 1.0", [lambda: X - X.mean(0)]),
}
CHANGING = [name for name in CASES if name not in ("capped", "float32-constant")]


def source_of(expression):
    return f"import torch\n\n\ndef f(x, y, i, batch):\n    made = {expression}\n    return made\n"


def run(source):
    names = {}
    exec(compile(source, "small", "exec"), names)
    return names["f"](X.clone(), Y.clone(), ENDS.clone(), B.clone())


def places(source, operator):
    """Returns the sites of an operator in the first statement of the function."""
    line = 5
    with recording() as values:
        run(probed(source, {line}, "small"))
    context = Context(values["small"], lengths=frozenset({4}))
    return [site for site in sites(source, context, {line}, set()) if site.operator == operator]


def test_every_operator_has_a_change_and_a_case():
    names = [operator.name for operator in CATALOGUE]
    assert len(names) == len(set(names)) >= 20
    assert set(CHANGES) == set(names)
    assert set(CASES) == set(names) - {"component-dropout", "bias-in-linear-of-vectors"}


def test_five_held_out_operators_are_patterns_of_fixes():
    assert len([o for o in CATALOGUE if o.origin and held_out(o.name)]) >= 5
    assert all("@" in o.origin or "#" in o.origin for o in CATALOGUE if o.origin)


@pytest.mark.parametrize("operator", CASES)
def test_one_place_is_changed_in_the_intended_way(operator):
    expression, wanted = CASES[operator]
    source = source_of(expression)
    found = places(source, operator)
    assert found
    results = []
    for site in found:
        made = mutant(source, site)
        before, after = source.splitlines(), made.source.splitlines()
        assert [tag for tag, *_ in difflib.SequenceMatcher(None, before, after).get_opcodes() if tag != "equal"] == [
            "replace"
        ]
        assert made.changed == range(5, 6)
        assert range(5, 6) in made.right
        results.append(run(made.source))
    for want in wanted:
        assert any(r.shape == want().shape and torch.allclose(r, want(), atol=1e-6) for r in results), results
    if operator in CHANGING and operator not in ("clone-dropped", "dtype-dropped"):
        plain = run(source)
        assert any(r.shape != plain.shape or not torch.equal(r, plain) for r in results)


def test_a_cap_leaves_four_entries():
    long = torch.ones(6, 3)
    source = "import torch\n\n\ndef f(x, y, i, batch):\n    made = x + 0\n    return made\n"
    names = {}
    with recording() as values:
        exec(compile(probed(source, {5}, "small"), "small", "exec"), names)
        names["f"](long, None, None, None)
    context = Context(values["small"], lengths=frozenset({6}))
    site = next(s for s in sites(source, context, {5}, set()) if s.operator == "capped")
    exec(compile(mutant(source, site).source, "small", "exec"), names)
    assert names["f"](long, None, None, None).sum(-1).tolist() == [3, 3, 3, 3, 0, 0]


def test_a_rounded_value_has_the_last_bits_of_float32():
    source = (
        source_of("x.double() / 3").replace("made = ", "z = x.double()\n    made = ").replace("x.double() / 3", "z / 3")
    )
    line = 6
    with recording() as values:
        run(probed(source, {line}, "small"))
    site = next(s for s in sites(source, Context(values["small"]), {line}, set()) if s.operator == "float32-constant")
    assert site.text == "z.float().to(z.dtype)"


LAYER = """
import torch
from torch import nn


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 3, bias=False)

    def forward(self, x):
        y = x * 2
        return self.linear(y)
"""


def layer(source):
    names = {"__name__": "small"}
    exec(compile(source, "small", "exec"), names)
    torch.manual_seed(0)
    return names["Layer"]()


def test_a_bias_in_a_constructor_is_answered_by_the_call():
    (site,) = [s for s in sites(LAYER, Context({}), set(), {9}) if s.operator == "bias-in-linear-of-vectors"]
    made = mutant(LAYER, site)
    assert layer(made.source).linear.bias is not None
    assert layer(LAYER).linear.bias is None
    assert made.right == (range(13, 14),)
    assert next(o for o in CATALOGUE if o.name == site.operator).right == CALLED


def test_dropout_is_put_in_methods_only():
    with recording() as values:
        layer(probed(LAYER, {12}, "small"))(X)
    found = [s for s in sites(LAYER, Context(values["small"]), {12}, set()) if s.operator == "component-dropout"]
    assert found
    changed = layer(mutant(LAYER, found[0]).source)
    assert torch.equal(changed.eval()(X), layer(LAYER)(X))
    assert not torch.equal(changed.train()(X), layer(LAYER)(X))
    assert not places(source_of("x * 1.0"), "component-dropout")


def test_what_receives_a_lawful_value_is_right_too():
    source = (
        "import torch\n\n\ndef f(x, y, i, batch):\n    made = x - y\n    made = made.norm(dim=-1)\n    return made\n"
    )
    (site,) = places(source, "absolute-for-relative")
    assert mutant(source, site).right == (range(5, 6), range(6, 7))
    (site,) = places(source, "sum-for-difference")
    assert mutant(source, site).right == (range(5, 6),)


def test_a_returned_value_is_followed_to_the_caller():
    source = source_of("x - y").replace("    made = x - y\n    return made\n", "    return x - y\n")
    (site,) = places(source, "absolute-for-relative")
    assert mutant(source, site).follow


@pytest.mark.parametrize("source", [source_of("x * 1.0  # a comment"), source_of("x * (\n        1.0\n    )")])
def test_a_probe_leaves_all_other_text(source):
    made = probed(source, {5}, "small")
    assert made != source
    assert ("# a comment" in made) == ("# a comment" in source)
    ast.parse(made)
