"""The command line: `python -m equivariance_zoo.steerable3d train|evaluate`.

Exit codes: 0 done, 2 bad usage, 130 stopped by Ctrl-C. On bad usage, one line on standard error names the argument, the
value and the expected value.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from equivariance_zoo.steerable3d.settings import Run
from equivariance_zoo.training.cli import parse_path, run_program
from equivariance_zoo.training.options import STOPPED, add_training, given_settings

PROGRAM = "equivariance_zoo.steerable3d"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return run_program(PROGRAM, "Train and evaluate steerable CNNs.", _add_commands, STOPPED, arguments)


def _add_commands(commands: argparse._SubParsersAction) -> None:
    train = commands.add_parser("train", help="train by a configuration file")
    train.add_argument("config", type=parse_path, help="a file in TOML, or the name of a built-in one: tetris")
    add_training(train, Run)
    train.set_defaults(run=_train)
    evaluate = commands.add_parser("evaluate", help="accuracy of a checkpoint on a split")
    evaluate.add_argument("checkpoint", type=parse_path, help="model.safetensors of a training")
    evaluate.add_argument("--split", default="test", help="train, val or test; default: test")
    evaluate.add_argument("--folder", type=parse_path, help="of the data, in place of the folder of the training")
    evaluate.set_defaults(run=_evaluate)


def _train(options: argparse.Namespace) -> int:
    from equivariance_zoo.steerable3d.training import WEIGHTS, train

    run, output = Run.read(options.config, given_settings(options)), options.output
    metrics = train(run, output, options.resume, options.quiet)
    print("\n".join([*(f"{name}: {value:.4g}" for name, value in metrics.items()), f"written: {output / WEIGHTS}"]))
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from equivariance_zoo.steerable3d.checkpoint import load
    from equivariance_zoo.steerable3d.data_sources.datasets import dataset
    from equivariance_zoo.steerable3d.training import accuracy

    trained = load(options.checkpoint)
    data = trained.settings.data
    data = data if options.folder is None else replace(data, folder=str(options.folder))
    print(f"{options.split} accuracy: {accuracy(trained.model, dataset(data, options.split)):.4g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
