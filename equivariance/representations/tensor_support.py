"""Support for tensors that are not dense and real: sparse, nested, quantized, complex, or wrapped by torch.func.

Called by representations, which reject these tensors, and by the engine, which handles them inside a layer like any
operation. Layers that return one are not followed, and no representation can be declared for it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from equivariance._torch_private import is_functorch_wrapped


def unsupported_reason(tensor: Tensor) -> tuple[str, str] | None:
    """Returns a description of an unsupported tensor and of the expected one, or None if the tensor is supported."""
    if is_functorch_wrapped(tensor):
        return f"tensor of shape {tuple(tensor.shape)} inside of torch.vmap or torch.func", "a tensor outside of them"
    if tensor.is_nested:
        return "nested tensor", "a dense tensor with values"
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
        kind = "meta" if tensor.is_meta else str(tensor.layout)
        return f"{kind} tensor of shape {tuple(tensor.shape)}", "a dense tensor with values"
    if tensor.is_complex():
        return f"tensor of dtype {tensor.dtype}", "a real tensor, see torch.view_as_real"
    return None


def is_strided(tensor: Tensor) -> bool:
    """True if strides define the memory layout of the tensor."""
    return tensor.layout == torch.strided and not tensor.is_nested


def overlaps(tensor: Tensor) -> bool:
    """True if entries of a strided tensor may share memory, as in expanded tensors and sliding windows."""
    span = 0
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1 and stride <= span:
            return True
        span += stride * (size - 1) if size > 1 else 0
    return False


def write(tensor: Tensor, values: Tensor) -> bool:
    """Writes entries into a strided tensor, also into an expanded one.

    Args:
        tensor: The tensor, which is changed.
        values: The new entries, of a shape that expands to that of `tensor`.

    Returns:
        False, and nothing is written, if entries share memory and would have to differ.
    """
    if not overlaps(tensor):
        tensor.copy_(values)
        return True
    values = values.expand(tensor.shape)
    target, source = tensor, values
    for axis, stride in enumerate(tensor.stride()):
        if stride == 0 and tensor.shape[axis] > 1:
            target, source = target.narrow(axis, 0, 1), source.narrow(axis, 0, 1)
    before = target.clone()
    target.copy_(source)
    if torch.equal(tensor, values):
        return True
    target.copy_(before)
    return False


def dense(tensor: Tensor) -> Tensor:
    """Returns the entries as a dense tensor. Rows of a nested tensor are padded with zeros; a meta tensor has none.

    Jagged tensors keep meta tensors among their parts, which have a shape and no entries.
    """
    if tensor.is_meta:
        return torch.zeros(0, dtype=tensor.dtype, device="cpu")
    if tensor.is_nested:
        return torch.nested.to_padded_tensor(tensor, 0.0)
    return tensor if tensor.layout == torch.strided else tensor.to_dense()


def with_layout_of(numbers: Tensor, like: Tensor) -> Tensor:
    """Converts a dense tensor to the layout of another one; the inverse of `dense`.

    Args:
        numbers: The dense tensor.
        like: The tensor that has the layout.
    """
    if like.is_meta:
        return like
    if like.is_nested:
        rows = zip(numbers.unbind(), like.unbind(), strict=True)
        return torch.nested.as_nested_tensor([n[tuple(map(slice, r.shape))] for n, r in rows], layout=like.layout)
    if like.layout == torch.sparse_coo:
        return numbers.to_sparse(like.sparse_dim())
    return numbers if like.layout == torch.strided else numbers.to_sparse(layout=like.layout)
