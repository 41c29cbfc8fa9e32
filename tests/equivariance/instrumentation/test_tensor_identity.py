"""Comparing many numbers fast says what torch.equal says."""

import pytest
import torch

from equivariance._engine.instrumentation.tensor_identity import alike

SIZE = 150_000


def changed(values, index, entry):
    result = values.clone()
    result[index] = entry
    return result


def pairs():
    values = torch.randn(SIZE, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    yield "itself", values, values
    yield "copy", values, values.clone()
    for index in (0, 65535, 65536, SIZE - 1):
        yield f"another entry at {index}", values, changed(values, index, 7.0)
    yield "NaN", changed(values, 5, float("nan")), changed(values, 5, float("nan"))
    yield "infinity", changed(values, 5, float("inf")), changed(values, 5, float("inf"))
    yield "zeros of both signs", changed(values, 5, 0.0), changed(values, 5, -0.0)
    yield "transposed", values.view(300, 500).T, values.view(300, 500).T.contiguous()
    yield "another shape", values, values.view(300, 500)
    yield "shifted by one", values[1:], values[1:].clone()
    yield "with gradients", values.clone().requires_grad_(), values.clone()
    yield "negated lazily", torch.complex(values, values).conj().imag, -values
    yield "broadcast", values[:1].expand(SIZE), values[:1].expand(SIZE).clone()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.int64])
@pytest.mark.parametrize(("left", "right"), [p[1:] for p in pairs()], ids=[p[0] for p in pairs()])
def test_large_tensors_are_alike_where_torch_finds_them_equal(left, right, dtype):
    if dtype == torch.int64:
        left, right = ((1000 * t.detach()).nan_to_num(nan=0, posinf=1, neginf=1) for t in (left, right))
    left, right = left.to(dtype), right.to(dtype)
    assert alike(left, right) == alike(right, left) == torch.equal(left, right)
