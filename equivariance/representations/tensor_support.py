"""Tensors that are more, or less, than real numbers in one piece of memory: sparse, nested, inside of torch.func.

Layers that pass them on are not followed, and nothing is declared of them. Inside a layer they are operations like all
others.
"""

from __future__ import annotations

import torch
from torch import Tensor

from equivariance._torch_private import is_functorch_wrapped


def unsupported_reason(tensor: Tensor) -> tuple[str, str] | None:
    """What a tensor is, and what it should be, where the harness cannot look into it; else None."""
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
    """Whether strides say where its numbers lie."""
    return tensor.layout == torch.strided and not tensor.is_nested


def dense(tensor: Tensor) -> Tensor:
    """The numbers of a tensor in one piece; rows of a nested one are filled up with zeros."""
    if tensor.is_nested:
        return torch.nested.to_padded_tensor(tensor, 0.0)
    return tensor if tensor.layout == torch.strided else tensor.to_dense()


def with_layout_of(numbers: Tensor, like: Tensor) -> Tensor:
    """The inverse of `dense`, in the layout of another tensor."""
    if like.is_nested:
        rows = zip(numbers.unbind(), like.unbind(), strict=True)
        return torch.nested.as_nested_tensor([n[tuple(map(slice, r.shape))] for n, r in rows], layout=like.layout)
    if like.layout == torch.sparse_coo:
        return numbers.to_sparse(like.sparse_dim())
    return numbers if like.layout == torch.strided else numbers.to_sparse(layout=like.layout)
