"""The command line: `python -m equivariance_zoo.steerable3d train|evaluate`.

Exit codes: 0 done, 2 bad usage, 130 stopped by Ctrl-C. On bad usage, one line on standard error names the argument, the
value and the expected value.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from equivariance_zoo.training.cli import Parser, exit_code, parse_integer, parse_path

PROGRAM = "equivariance_zoo.steerable3d"
BUILT_IN = Path(__file__).parent / "data"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    return exit_code(PROGRAM, lambda: _run(arguments), "stopped; train --resume goes on behind the last whole epoch")


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    return _train(options) if options.command == "train" else _evaluate(options)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog=f"python -m {PROGRAM}", description="Train and evaluate steerable CNNs.")
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train by a configuration file")
    train.add_argument("config", type=parse_path, help="a file in TOML, or the name of a built-in one: tetris")
    train.add_argument("--output", required=True, type=parse_path, help="folder of the checkpoint and the logs")
    train.add_argument("--seed", type=parse_integer, help="in place of the seed of the configuration")
    train.add_argument("--dense", action="store_true", help="the ordinary CNN of the same channels")
    train.add_argument("--resume", action="store_true", help="go on with what is in the output folder")
    train.add_argument("--quiet", action="store_true", help="no progress bar")
    evaluate = commands.add_parser("evaluate", help="accuracy of a checkpoint on a split")
    evaluate.add_argument("checkpoint", type=parse_path, help="model.safetensors of a training")
    evaluate.add_argument("--split", default="test", help="train, val or test; default: test")
    evaluate.add_argument("--folder", type=parse_path, help="of the data, in place of the folder of the training")
    return parser


def _train(options: argparse.Namespace) -> int:
    from equivariance_zoo.steerable3d.settings import Run
    from equivariance_zoo.steerable3d.training import WEIGHTS, train

    built_in = BUILT_IN / f"{options.config}.toml"
    run = Run.read(built_in if built_in.is_file() else options.config)
    seed = run.training.seed if options.seed is None else options.seed
    run = replace(run, training=replace(run.training, seed=seed, dense=options.dense or run.training.dense))
    metrics = train(run, options.output, options.resume, options.quiet)
    print(
        "\n".join(
            [*(f"{name}: {value:.4g}" for name, value in metrics.items()), f"written: {options.output / WEIGHTS}"]
        )
    )
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from equivariance_zoo.steerable3d.checkpoint import load
    from equivariance_zoo.steerable3d.data_sources.datasets import dataset
    from equivariance_zoo.steerable3d.training import accuracy

    model, run, _ = load(options.checkpoint)
    data = run.data if options.folder is None else replace(run.data, folder=str(options.folder))
    print(f"{options.split} accuracy: {accuracy(model, dataset(data, options.split)):.4g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
