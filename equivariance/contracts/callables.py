"""Code that torch.compile was asked to compile: it is examined as it is written.

Compiled code calls no hooks and hides its statements, and compiling the harness's own hooks would cost minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

NOTICE = "compiled parts are run as they are written, without torch.compile: what the compiler makes is not tested"


@contextmanager
def uncompiled() -> Iterator[None]:
    """Run what was compiled as it is written."""
    with torch.compiler.set_stance("force_eager") if _compiler() else nullcontext():
        yield


def as_written(module: torch.nn.Module) -> torch.nn.Module:
    """The module behind ``torch.compile(module)`` or ``DataParallel(module)``: its layers have their author's names."""
    compiler = _compiler()
    if compiler and isinstance(module, compiler.OptimizedModule):
        return as_written(module._orig_mod)
    if isinstance(module, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
        return as_written(module.module)
    return module


def is_compiled(function: Callable[..., Any]) -> bool:
    """Whether a module, a layer of it, or a function was given to torch.compile."""
    compiler = _compiler()
    if not compiler:
        return False
    if isinstance(function, torch.nn.Module):
        return any(isinstance(m, compiler.OptimizedModule) or m._compiled_call_impl for m in function.modules())
    return hasattr(function, "_torchdynamo_orig_callable")


def _compiler() -> Any:
    """torch._dynamo, where something has imported it already: without it nothing is compiled."""
    return sys.modules.get("torch._dynamo")
