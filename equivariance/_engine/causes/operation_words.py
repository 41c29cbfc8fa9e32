"""Names of ATen operations that say what a statement does, in the words of the reports.

The experiments use a name only beside a measurement. This module runs nothing.
"""

from __future__ import annotations

_FUNCTIONS = (
    "relu", "relu_", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "hardtanh", "hardswish",
    "hardsigmoid", "softplus", "softshrink", "hardshrink", "tanh", "tanh_", "sigmoid", "sigmoid_",
    "log_sigmoid_forward", "threshold", "clamp", "clamp_", "clamp_min", "clamp_max", "exp", "expm1", "log", "log1p",
    "sin", "cos", "tan", "atan", "erf", "sign", "sgn", "round", "floor", "ceil", "trunc", "abs", "abs_", "sqrt",
    "rsqrt", "reciprocal", "maximum", "minimum",
)  # fmt: skip

NONLINEAR = {name: name.rstrip("_") for name in _FUNCTIONS}
"""Functions of single entries that are not linear. Powers are left out: a norm squares the components."""

NORMALIZING = {
    "native_layer_norm": "layer normalization",
    "native_group_norm": "group normalization",
    "native_batch_norm": "batch normalization",
    "_native_batch_norm_legit": "batch normalization",
    "_native_batch_norm_legit_no_training": "batch normalization",
    "cudnn_batch_norm": "batch normalization",
    "_softmax": "a softmax",
    "_log_softmax": "a softmax",
    "_fused_rms_norm": "RMS normalization",
}
"""Operations that normalize, and their words."""

DECOMPOSITIONS = {
    "_linalg_eigh": "eigenvectors",
    "linalg_eig": "eigenvectors",
    "_linalg_svd": "singular vectors",
    "linalg_qr": "the axes of a QR decomposition",
}
"""Operations whose results have signs that only a convention fixes."""

SUMMING = frozenset({
    "sum", "index_add", "index_add_", "scatter_add", "scatter_add_", "scatter_reduce", "scatter_reduce_", "mm", "bmm",
    "matmul", "einsum", "cumsum", "linalg_vector_norm", "logsumexp",
})  # fmt: skip
"""Operations that sum over an axis."""

SELECTING = frozenset({"sort", "argsort", "topk", "argmin", "argmax", "min", "max", "unique_consecutive", "_unique2"})
"""Operations that choose or order entries by their values; equal values are ordered by place."""
