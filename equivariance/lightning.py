"""A Lightning callback that measures the equivariance of a network while it is trained.

`EquivarianceMonitor` runs `equivariance.diagnose` every few epochs and logs the errors, so that `ModelCheckpoint` and
`EarlyStopping` can monitor them. Users import this module; nothing else in the package does, because it needs
Lightning (`pip install "equivariance[train]"`). It changes nothing about the training: a diagnosis works on copies.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from equivariance.api import diagnose
from equivariance.contracts.contract import Contract
from equivariance.contracts.signature import positional_of
from equivariance.errors import ArgumentError, MissingDependencyError
from equivariance.findings import Outcome
from equivariance.groups.named import groups_of
from equivariance.report.report import Report
from equivariance.settings import Settings

try:
    import lightning
    from lightning.fabric.utilities import move_data_to_device
except ImportError as _error:
    raise MissingDependencyError("lightning", __name__, 'pip install "equivariance[train]"') from _error

import torch

__all__ = ["EquivarianceBreach", "EquivarianceMonitor", "EquivarianceWarning", "errors_by_layer"]


class EquivarianceWarning(UserWarning):
    """The network under training violates its symmetry; the message is the report."""


class EquivarianceBreach(ValueError):
    """Ends a training because the network violates its symmetry; the message is the report.

    Attributes:
        report: The report of the diagnosis.
    """

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


class EquivarianceMonitor(lightning.Callback):
    """Diagnoses the network every few epochs and logs the equivariance error of each layer.

    Logs "equivariance", the largest equivariance error of the whole network, and "equivariance/<layer>", the largest
    introduced error of each layer. Both are relative errors in the network's own precision, the largest
    over all tested symmetries and calls.

    The network is examined at the end of an epoch's first validation or, in an epoch without one, at the end of the
    epoch. The process of rank zero examines; all processes log its values. Validation before the training (Lightning's
    sanity check) is left out. Weights, training mode and random numbers are not changed.

    Between two examinations the last values stay available. Before the first one there are none: if `every` is larger
    than 1, give `ModelCheckpoint` the same `every_n_epochs`, and `EarlyStopping` `strict=False`.

    Args:
        contracts: The contract of the network, or a dict of contracts by layer path or glob, as for
            `equivariance.diagnose`. In the dict, "" is the path of the network itself. Undeclared representations are
            read off the modules and the data, or assumed.
        args: Example inputs of the network: a tuple of positional arguments, or a single one. They are moved to the
            network's device. The time of an examination grows with their size.
        group: As for `equivariance.diagnose`.
        every: Epochs from one examination to the next; the first one is in epoch `every - 1`, counted from 0.
        module: The network. None is the LightningModule itself, a string the dotted path of a submodule ("model"). A
            function takes the LightningModule and returns a module or a callable.
        stop: True to raise `EquivarianceBreach` on a finding, False to warn with `EquivarianceWarning`.
        kwargs: Keyword arguments of the network.
        samples, seed: As for `equivariance.diagnose`.
        layers: As for `equivariance.diagnose`; only matching layers are logged, and the whole network is not.
        name: Name of the logged value, and prefix of the layers' names.

    Attributes:
        report: The report of the last examination, on all processes; None before the first one.
    """

    def __init__(
        self, contracts: Contract | Mapping[str, Contract] | None, args: Any, group: object = "se3", *, every: int = 1,
        module: str | Callable[[Any], Callable[..., Any]] | None = None, stop: bool = False,
        kwargs: Mapping[str, Any] | None = None, samples: int = 8, seed: int = 0, layers: str | None = None,
        name: str = "equivariance",
    ) -> None:  # fmt: skip
        if type(every) is not int or every < 1:
            raise ArgumentError("every", every, "a whole number of epochs, 1 or more")
        if not (module is None or isinstance(module, str) or callable(module)):
            raise ArgumentError("module", module, "the path of a submodule, or a function of the LightningModule")
        groups_of(group)
        Settings(samples=samples, seed=seed, layers=layers)
        layer_contracts, whole = _contracts(contracts)
        self._every, self._module, self._stop, self._name = every, module, stop, name
        self._args = positional_of(args), dict(kwargs or {})
        self._options: dict[str, Any] = {
            "group": group, "samples": samples, "seed": seed, "layers": layers, "contracts": layer_contracts, **whole,
        }  # fmt: skip
        self.report: Report | None = None
        self._last = -1

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Forgets the last epoch: a callback may serve several trainings."""
        self._last = -1

    def on_validation_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Examines here, so that callbacks that act after the validation see the values."""
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            self._end_of_epoch(trainer, pl_module)

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Examines here if no validation has been run in the epoch."""
        self._end_of_epoch(trainer, pl_module)

    def _end_of_epoch(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        epoch = trainer.current_epoch
        if (epoch + 1) % self._every or epoch == self._last:
            return
        self._last = epoch
        report = self._examine(pl_module) if trainer.is_global_zero else None
        self.report = report = trainer.strategy.broadcast(report)
        assert report is not None
        # All processes log the same values; Lightning asks for a reduction none the less.
        pl_module.log_dict(errors_by_layer(report, self._name), on_step=False, on_epoch=True, batch_size=1,
                           sync_dist=True, reduce_fx="max")  # fmt: skip
        if report.ok:
            return
        if self._stop:
            raise EquivarianceBreach(f"network: expected an equivariant one in epoch {epoch}: {report}", report)
        if trainer.is_global_zero:
            warnings.warn(f"equivariance is broken in epoch {epoch}:\n{report}", EquivarianceWarning, stacklevel=2)

    def _examine(self, pl_module: lightning.LightningModule) -> Report:
        network = self._network(pl_module)
        # Validations run without gradients, which the search for statements needs.
        with torch.inference_mode(False), torch.enable_grad():
            args, kwargs = move_data_to_device(self._args, pl_module.device)
            return diagnose(network, args, kwargs=kwargs, **self._options)

    def _network(self, pl_module: lightning.LightningModule) -> Callable[..., Any]:
        if self._module is None:
            return pl_module
        if not isinstance(self._module, str):
            return self._module(pl_module)
        try:
            return pl_module.get_submodule(self._module)
        except AttributeError as error:
            expected = f"the path of a submodule of {type(pl_module).__name__} ({error})"
            raise ArgumentError("module", self._module, expected) from error


def errors_by_layer(report: Outcome, name: str = "equivariance") -> dict[str, float]:
    """Returns the numbers of a report that are logged.

    Args:
        report: The report of a diagnosis.
        name: Key of the error of the whole network, and prefix of the layers' keys.

    Returns:
        The largest equivariance error of the whole network and the largest introduced error of each layer. Both are
        relative errors in the network's own precision. If the network's output is not finite, its error is NaN.
    """
    errors: dict[str, float] = {} if report.layers else {name: math.nan}
    for row in report.layers:
        key = f"{name}/{row.layer}" if row.layer else name
        error = row.working if row.layer else row.reached_working
        errors[key] = max(errors.get(key, 0.0), error)
    return errors


def _contracts(given: Contract | Mapping[str, Contract] | None) -> tuple[dict[str, Contract], dict[str, object]]:
    """Returns the contracts of layers, and the arguments of `diagnose` for the contract of the whole network."""
    if not (given is None or isinstance(given, (Contract, Mapping))):
        raise ArgumentError("contracts", given, "a Contract(inputs, output), or a dict of contracts by layer path")
    found = {"": given} if isinstance(given, Contract) else dict(given or {})
    whole = found.pop("", None)
    if whole is None:
        return found, {}
    if not isinstance(whole, Contract):
        raise ArgumentError("contracts['']", whole, "a Contract(inputs, output)")
    return found, {"irreps_in": whole.inputs, "irreps_out": whole.output}
