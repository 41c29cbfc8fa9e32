"""The call of e3nn's `assert_equivariant`: its options, and inputs that are drawn from irreps.

`equivariance.api.assert_equivariant` calls it, so that tests that were written for e3nn run unchanged.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch

from equivariance.contracts.declared import declared_contract
from equivariance.contracts.nested import compile_spec
from equivariance.errors import ArgumentError
from equivariance.representations.irreps import Irreps
from equivariance.representations.standard import CartesianPoints

_ROWS = 8
"""Rows of a drawn input."""

_GROUPS = {(True, True): "e3", (False, True): "se3", (True, False): "o3", (False, False): "so3"}
"""(do_parity, do_translation) -> the group."""


def options_of_e3nn(options: Mapping[str, Any], samples: int, group: object) -> tuple[int, object]:
    """Returns number of samples and group for the options of e3nn, with a deprecation warning for each.

    Args:
        options: `ntrials`, `do_parity` and `do_translation`.
        samples: The number of samples, if `ntrials` is not given.
        group: The group, if neither `do_parity` nor `do_translation` is given.

    Raises:
        ArgumentError: If an option is unknown or has no meaning here, or contradicts `group`.
    """
    chosen = {"do_parity": True, "do_translation": True}
    for name, value in options.items():
        if name == "tolerance":
            raise ArgumentError(name, value, "no tolerance: the rounding floor is measured")
        if name not in ("ntrials", *chosen):
            raise ArgumentError(name, value, "no such argument")
        if name in chosen and not isinstance(value, bool):
            raise ArgumentError(name, value, "True or False")
    named = [name for name in chosen if name in options]
    if named and group is not None:
        raise ArgumentError(named[0], options[named[0]], f"no such option beside group={group!r}")
    chosen |= {name: options[name] for name in named}
    if named:
        group = _GROUPS[chosen["do_parity"], chosen["do_translation"]]
    if options.get("ntrials") is not None:
        samples = options["ntrials"]
    if options:
        instead = [f"samples={samples}"] * ("ntrials" in options) + [f"group={group!r}"] * bool(named)
        text = f"{', '.join(options)}: options of e3nn; write {', '.join(instead)}"
        warnings.warn(text, DeprecationWarning, stacklevel=6)
    return samples, group


def drawn_inputs(module: torch.nn.Module, irreps_in: object, seed: int) -> list[torch.Tensor]:
    """Returns random inputs [8, dim] for the irreps that are given, or that the module states.

    Args:
        module: The callable.
        irreps_in: Its irreps: a list, a single one, or None.
        seed: The seed of the numbers.

    Raises:
        ArgumentError: If an input has no irreps.
    """
    contract = declared_contract(module)
    if irreps_in is None and contract is not None:
        specs = [spec for name, spec in contract.inputs.items() if name not in ("weight", "bias")]
    else:
        listed = list(irreps_in) if type(irreps_in) in (list, tuple) else [irreps_in]  # type: ignore[call-overload]
        specs = [compile_spec(spec, "irreps_in") for spec in listed]
    dims = [3 if isinstance(s, CartesianPoints) else s.dim if isinstance(s, Irreps) else None for s in specs]
    if not dims or None in dims:
        expected = "example inputs, for example [torch.randn(8, 3)], or irreps from which they are drawn"
        raise ArgumentError("args_in", None, expected)
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(_ROWS, dim, generator=generator) for dim in dims if dim is not None]
