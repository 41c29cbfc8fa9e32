"""A diagnosis leaves every part of the list as it was: after runs, errors, interrupts, threads and closures."""

# ruff: noqa: PLW0108 (a lambda that calls a module is no module)

import functools
import random
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import equivariance as eq
from benchmarks.robustness.interrupts import Invariant, compare, diagnose_once, interrupt_at
from equivariance._process_state import PARTS, ProcessState, _same, undisturbed
from tests.architecture.sources import ROOT

PAGE = Path(ROOT) / "docs" / "security.md"
CUDA = "CUDA"


class Entered(torch.overrides.BaseTorchFunctionMode):
    """A mode that changes nothing."""


def leave_filter():
    warnings.filters = [("ignore", None, UserWarning, None, 0), *warnings.filters]


OTHER = {
    "modes of PyTorch (dispatch and functions)": lambda: Entered().__enter__(),
    "random state of Python": lambda: random.random(),
    "random state of NumPy": lambda: np.random.standard_normal(),  # noqa: NPY002
    "random state of PyTorch": lambda: torch.rand(1),
    "default dtype": lambda: torch.set_default_dtype(torch.float64),
    "recording of gradients": lambda: torch.set_grad_enabled(False),
    "detection of anomalies": lambda: torch.autograd.set_detect_anomaly(True, check_nan=False),
    "deterministic algorithms": lambda: torch.use_deterministic_algorithms(True, warn_only=True),
    "filling of uninitialized memory": lambda: setattr(torch.utils.deterministic, "fill_uninitialized_memory", False),
    "precision of float32 matrix products": lambda: torch.set_float32_matmul_precision("medium"),
    "cuDNN: enabled, benchmark, deterministic": lambda: setattr(torch.backends.cudnn, "benchmark", True),
    "kernels of scaled dot-product attention": lambda: torch.backends.cuda.enable_flash_sdp(False),
    "autocast: enabled, dtype and cache": lambda: torch.set_autocast_dtype("cpu", torch.float16),
    "number of threads of PyTorch": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "warnings that PyTorch repeats": lambda: torch.set_warn_always(True),
    "treatment of floating-point errors by NumPy": lambda: np.seterr(under="raise"),
    "filters and display of warnings": leave_filter,
}
"""A change of each part, as a careless network could make it."""


@pytest.fixture(autouse=True)
def as_before():
    state = ProcessState()
    yield
    state.restore()


def part_of(name):
    return next(part for part in PARTS if part.name == name)


def test_every_part_has_a_change_and_stands_in_the_docs():
    page = PAGE.read_text()
    assert {part.name for part in PARTS if CUDA not in part.name} == set(OTHER)
    assert not [part.name for part in PARTS if part.name not in page]


class Careless(nn.Module):
    """An invariant network that changes a part of the process whenever it runs."""

    def __init__(self, change, error=None):
        super().__init__()
        self.change, self.error = change, error

    def forward(self, x):
        self.change()
        if self.error is not None:
            raise self.error
        return x.norm(dim=-1, keepdim=True)


@pytest.mark.parametrize("name", OTHER)
def test_each_part_is_as_before_whatever_the_network_does(name):
    part = part_of(name)
    before = part.read()
    report = eq.check(Careless(OTHER[name]), torch.ones(2, 3), "1x1o", "1x0e", group="so3", samples=1)
    assert _same(part.read(), before)
    assert report.verdicts[0].verdict == "holds"


@pytest.mark.parametrize("name", OTHER)
def test_a_change_is_seen_and_undone(name):
    part, state = part_of(name), ProcessState()
    before = part.read()
    OTHER[name]()
    assert not _same(part.read(), before)
    state.restore()
    assert _same(part.read(), before)
    state.restore()


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
def test_each_part_is_as_before_after_an_error(error):
    before = [part.read() for part in PARTS]
    module = Careless(lambda: [change() for change in OTHER.values()], error)
    with pytest.raises((eq.errors.ArgumentError, type(error))):
        eq.check(module, torch.ones(2, 3), "1x1o", "1x0e", group="so3", samples=1)
    assert not [p.name for p, value in zip(PARTS, before, strict=True) if not _same(p.read(), value)]


def test_an_interrupt_whose_cleanup_fails_stays_an_interrupt():
    def work():
        try:
            raise KeyboardInterrupt
        finally:
            raise AttributeError("forward")

    with pytest.raises(KeyboardInterrupt):
        undisturbed(work)


@pytest.mark.parametrize("interrupts", [1, 2, 3])
def test_an_interrupt_during_the_restoration_is_raised_after_it(interrupts):
    class State:
        left, done = interrupts, 0

        def restore(self):
            if State.left:
                State.left -= 1
                raise KeyboardInterrupt
            State.done += 1

    with pytest.raises(KeyboardInterrupt):
        undisturbed(lambda: None, [State()])
    assert State.done == 1


def test_a_context_that_an_interrupt_left_suspended_does_not_come_back_later():
    def suspended():
        state = random.getstate()
        try:
            yield
        finally:
            random.setstate(state)

    def work():
        context = suspended()
        next(context)
        raise KeyboardInterrupt

    caught = None
    try:
        undisturbed(work)
    except KeyboardInterrupt as error:
        caught = error
    random.seed(11)
    after = random.getstate()
    del caught
    assert random.getstate() == after


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_interrupts_at_random_times_lose_no_state(seed):
    """The nightly tests and `python -m benchmarks.robustness` do this 300 times."""
    duration = diagnose_once()
    result = interrupt_at(random.Random(seed).uniform(0.001, duration))
    assert not result.lost


def test_two_threads_get_the_verdicts_of_one_and_leave_everything():
    module, broken = Invariant(), Invariant(scale=torch.tensor([1.0, 1, 2]))
    before, found = [part.read() for part in PARTS], []

    def work(network):
        for seed in range(3):
            report = eq.check(network, torch.ones(4, 3), "1x1o", "1x0e", group="so3", samples=2, seed=seed)
            found.append((network is module, report.ok))

    threads = [threading.Thread(target=work, args=(network,)) for network in (module, broken)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [(False, False)] * 3 + [(True, True)] * 3
    assert not [p.name for p, value in zip(PARTS, before, strict=True) if not _same(p.read(), value)]


def test_a_diagnosis_may_run_within_a_diagnosis():
    class Nested(nn.Module):
        def forward(self, x):
            inner = eq.check(Invariant(), x.detach(), "1x1o", "1x0e", group="so3", samples=1)
            return x.norm(dim=-1, keepdim=True) * float(inner.ok)

    before = [part.read() for part in PARTS]
    assert eq.check(Nested(), torch.ones(2, 3), "1x1o", "1x0e", group="so3", samples=1).ok
    assert not [p.name for p, value in zip(PARTS, before, strict=True) if not _same(p.read(), value)]


def test_the_first_import_keeps_the_random_state_of_python():
    code = "import random; random.seed(5); state = random.getstate(); import equivariance as eq; eq.diagnose; eq.Report"
    subprocess.run([sys.executable, "-c", f"{code}; assert random.getstate() == state"], check=True, cwd=ROOT)


class Normalized(nn.Module):
    """Invariant, with running statistics."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.linear, self.norm, self.calls = nn.Linear(1, 2), nn.BatchNorm1d(2), 0

    def forward(self, points):
        self.calls += 1
        return self.norm(self.linear((points[:, None] - points[None]).square().sum(-1).mean(1, keepdim=True)))


class Holder:
    """A callable object."""

    def __init__(self, module):
        self.parts = {"module": [module]}

    def __call__(self, points):
        return self.parts["module"][0](points)


GLOBAL = Normalized()


def closure(module):
    return lambda points: module(points)


def in_a_list(module):
    parts = [{"one": module}]
    return lambda points: parts[0]["one"](points)


def by_default(module):
    def run(points, network=module):
        return network(points)

    return run


def nested(module):
    inner = closure(module)
    return lambda points: inner(points)


def of_a_partial(module):
    return functools.partial(lambda network, points: network(points), module)


FUNCTIONS = {
    "closure": closure,
    "list": in_a_list,
    "default": by_default,
    "nested": nested,
    "partial": of_a_partial,
    "object": Holder,
    "bound method": lambda module: module.forward,
    "global": lambda module: lambda points: GLOBAL(points),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("training", [True, False])
def test_a_function_leaves_the_modules_that_it_uses_as_they_were(name, training):
    module = GLOBAL if name == "global" else Normalized()
    module.train(training)
    buffers = dict(module.named_buffers())
    before = {k: (id(v), v._version, v.clone()) for k, v in {**buffers, **dict(module.named_parameters())}.items()}
    attributes = {layer: dict(vars(layer)) for layer in module.modules()}
    points = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    report = eq.check(FUNCTIONS[name](module), (points,), ("cartesian_points",), None, group="se3", samples=1)
    assert report.ok
    for key, value in {**dict(module.named_buffers()), **dict(module.named_parameters())}.items():
        identity, version, entries = before[key]
        assert (id(value), value._version) == (identity, version), key
        assert torch.equal(value, entries), key
    assert {layer: dict(vars(layer)) for layer in module.modules()} == attributes


def test_autograd_may_still_need_the_buffers_of_a_module_in_a_closure():
    module = Normalized().eval()
    points = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    loss = module(points).sum()
    eq.check(closure(module), (points,), ("cartesian_points",), None, group="se3", samples=1)
    loss.backward()
    assert module.linear.weight.grad is not None


def test_hooks_keep_their_order():
    module, seen = Invariant(), []
    handles = [module.register_forward_hook(lambda *_, n=n: seen.append(n)) for n in range(3)]
    before = list(module._forward_hooks.items())
    eq.check(module, torch.ones(2, 3), "1x1o", "1x0e", group="so3", samples=1)
    assert list(module._forward_hooks.items()) == before
    seen.clear()
    module(torch.ones(2, 3))
    assert seen == [0, 1, 2]
    assert compare(module, module) == []
    for handle in handles:
        handle.remove()


def test_the_handler_of_ctrl_c_stays():
    before = signal.getsignal(signal.SIGINT)
    diagnose_once()
    assert signal.getsignal(signal.SIGINT) is before
