"""`python -m se3unet predict`: 68 landmarks on scans in any pose and unit.

Exit codes: 0 a face in every scan, 1 no face in a scan, 2 a scan that cannot be used. The other scans are predicted in
every case.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from equivariance._printable import one_line, printable
from equivariance_zoo.training.cli import parse_path
from equivariance_zoo.training.files import check_folder
from se3unet.prediction.output import write
from se3unet.prediction.predictor import CONFIDENT, SHIPPED, Prediction, Predictor
from se3unet.prediction.scan import MOST_POINTS, Scan, read_scan
from se3unet.prediction.units import UNITS_MM
from se3unet.prediction.viewer import has_display, show


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the sub-command to the command line."""
    parser = commands.add_parser(
        "predict",
        help="68 landmarks on scans in any pose and unit",
        description="Find the face in each scan and 68 landmarks on it. Exit code 1: one of the scans shows no face.",
    )
    parser.add_argument(
        "scans", nargs="+", type=parse_path, metavar="SCAN", help="meshes or clouds, in any file of trimesh's"
    )
    parser.add_argument(
        "--output",
        type=parse_path,
        required=True,
        metavar="DIR",
        help="folder of .json, .ljson, .pts, .png and .html",
    )
    parser.add_argument("--unit", choices=tuple(UNITS_MM), help="of the coordinates; default: guessed from the size")
    parser.add_argument(
        "--checkpoint", type=parse_path, metavar="FILE", help="in place of the one that comes with the package"
    )
    parser.add_argument("--device", help="cpu or cuda; default: cuda where there is one")
    parser.add_argument(
        "--show", action="store_true", help="open a window; without a display, say where the picture is"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Predicts, prints the result, and writes it."""
    counts = Counter(path.stem for path in options.scans)
    same = ", ".join(stem for stem, count in counts.items() if count > 1)
    if same:
        raise ValueError(
            f"scans: expected different file names, as the results are named after them, got several {same}"
        )
    check_folder(options.output)
    predictor = Predictor(options.checkpoint, options.device)
    code = 0
    for path in options.scans:
        try:
            code = max(code, _one(predictor, path, options))
        except (ValueError, OSError, ImportError) as error:
            print(f"se3unet: error: {one_line(error)}", file=sys.stderr)
            code = 2
    return code


def _one(predictor: Predictor, path: Path, options: argparse.Namespace) -> int:
    scan = read_scan(path)
    if scan.triangles is None and len(scan.points) > MOST_POINTS:
        _say(f"{path}: {len(scan.points):,} points, of which {MOST_POINTS:,} are used, chosen at random")
    start = time.perf_counter()
    prediction = predictor.predict(scan, options.unit)
    seconds = time.perf_counter() - start
    unit = f"unit {prediction.unit}"
    if prediction.guessed:
        unit += f" (guessed from the size; else --unit {_others(prediction)})"
    if not prediction.is_face:
        confidence = f"confidence {prediction.confidence:.2f}, expected {CONFIDENT:.2f} or more"
        print(printable(f"{path}: no face: {confidence}; {unit}"), file=sys.stderr)
        return 1
    written = write(prediction, options.output, path.stem, _about(path, scan, options))
    _say(f"{path}: 68 landmarks, confidence {prediction.confidence:.2f}, {unit}, {seconds:.1f} s")
    _say(f"written: {', '.join(map(str, written.values()))}")
    if options.show:
        if has_display():
            show(prediction, str(path))
        else:
            _say(f"no display; see {written['.png']}, or open {written['.html']} in a browser")
    return 0


def _say(line: str) -> None:
    """Prints a line with names of files, which may hold any character."""
    print(printable(line))


def _others(prediction: Prediction) -> str:
    return ", ".join(name for name in UNITS_MM if name != prediction.unit)


def _about(path: Path, scan: Scan, options: argparse.Namespace) -> dict[str, object]:
    parts = "a cloud" if scan.triangles is None else f"a mesh of {len(scan.triangles):,} triangles"
    return {
        "file": path.name,
        "scan": f"{parts}, {len(scan.points):,} points",
        "checkpoint": (options.checkpoint or SHIPPED).name,
    }
