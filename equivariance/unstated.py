"""The examination of a callable whose inputs or output nobody declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from equivariance.asked import answered
from equivariance.contract import Contract, bind
from equivariance.errors import ArgumentError
from equivariance.examination import examine_module
from equivariance.findings import Finding, Report
from equivariance.groups import groups_of
from equivariance.reading import UNSTATED, Inputs, inputs_of, outputs_of
from equivariance.settings import Settings
from equivariance.sources import location_of

_MOTIONS = ("translation", "rotation", "inversion")
_TRIES = 2


def examine_unstated(
    module: torch.nn.Module, args: object, irreps_in: object, irreps_out: object, kwargs: Mapping[str, Any] | None,
    group: object, contracts: Mapping[str, Contract], settings: Settings,
) -> Report:  # fmt: skip
    """:func:`examine_module` with what was left out read off, assumed, or asked about, and the report saying so."""
    if irreps_in is not UNSTATED and irreps_out is not UNSTATED:
        return examine_module(module, args, irreps_in, irreps_out, kwargs, group, contracts, settings)
    arguments = _arguments(module, args, kwargs)
    inputs = inputs_of(module, arguments) if irreps_in is UNSTATED else Inputs({})
    taken = inputs.specs if irreps_in is UNSTATED else irreps_in
    given = outputs_of(module, arguments, inputs) if irreps_out is UNSTATED else irreps_out
    findings: list[Finding] = []
    remarks: list[str] = []
    motions = [g for g in groups_of(group, settings.max_translation) if g.symmetry in _MOTIONS]
    if inputs.asked and motions:
        few = replace(settings, samples=_TRIES, layers=None, inside=False)
        inputs, findings, remarks = answered(
            inputs,
            lambda tried: examine_module(module, args, tried.specs, given, kwargs, motions, {}, few),
            location_of(module, ""),
        )
        taken = inputs.specs
    report = examine_module(module, args, taken, given, kwargs, group, contracts, settings)
    return replace(
        report,
        findings=[*findings, *report.findings],
        assumptions=[*inputs.lines, *remarks, *report.assumptions],
    )


def declarations(
    module: torch.nn.Module, args: object, kwargs: Mapping[str, Any] | None, irreps_in: object, irreps_out: object
) -> tuple[object, object]:
    """``irreps_in`` and ``irreps_out``, with what was left out read off or assumed."""
    if irreps_in is not UNSTATED and irreps_out is not UNSTATED:
        return irreps_in, irreps_out
    arguments = _arguments(module, args, kwargs)
    inputs = inputs_of(module, arguments)
    given = outputs_of(module, arguments, inputs) if irreps_out is UNSTATED else irreps_out
    return (inputs.specs if irreps_in is UNSTATED else irreps_in), given


def _arguments(module: torch.nn.Module, args: object, kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    positional = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    try:
        return bind(module.forward, positional, kwargs or {})
    except TypeError as error:
        raise ArgumentError("args", f"{len(positional)} arguments", f"what the callable takes: {error}") from error
