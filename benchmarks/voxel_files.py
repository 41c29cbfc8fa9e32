"""Real meshes and structures through the loaders: `python -m benchmarks.voxel_files FOLDER...`.

Reads every file below the folders and writes its section of docs/results/steerable3d.md.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from benchmarks.made import made_with
from benchmarks.sections import PAGE, write_section
from equivariance_zoo.steerable3d.data_sources.meshes import voxelize
from equivariance_zoo.steerable3d.data_sources.proteins import domain, environments, read_atoms

MESHES, STRUCTURES = (".obj", ".off", ".ply", ".stl"), (".cif", ".ent", ".pdb")
SIZE = 32


def mesh(path: Path) -> tuple[list[Tensor], str]:
    """Fields, and what is in the file."""
    field = voxelize(path, SIZE)
    return [field], f"{int((field > 0.5).sum()):,} of {SIZE}^3 voxels above 1/2"


def structure(path: Path) -> tuple[list[Tensor], str]:
    """Fields, and what is in the file."""
    atoms = read_atoms(path)
    around = environments(atoms, size=10)
    return [domain(atoms), *(field for field, _ in around)], f"{len(atoms.names):,} atoms, {len(around)} amino acids"


def row(path: Path, read: Callable[[Path], tuple[list[Tensor], str]]) -> str:
    """Returns the row of the table for one file."""
    try:
        fields, told = read(path)
    except ValueError as error:
        return f"| {path.name} | refused | {str(error).replace(str(path), path.name)[:160].replace('|', '/')} |"
    for field in fields:
        assert bool(field.isfinite().all()), path
        assert float(field.min()) >= 0, path
        assert float(field.max()) > 0, path
    return f"| {path.name} | read | {told} |"


def main() -> None:
    """Read, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, default=PAGE)
    options = parser.parse_args()
    rows = []
    for folder in options.folders:
        for path in sorted(p for p in folder.rglob("*") if p.suffix in MESHES + STRUCTURES):
            rows.append(row(path, mesh if path.suffix in MESHES else structure))
            print(rows[-1], flush=True)
    where = made_with(("gemmi", "trimesh"))
    shown = " ".join(folder.name for folder in options.folders)
    read = sum("| read |" in line for line in rows)
    write_section(
        "Real files",
        f"Made by `python -m benchmarks.voxel_files {shown}` with {where}: {read} of {len(rows)} files are read; "
        "every field is finite and nowhere negative.\n\n| file | | |\n|---|---|---|\n" + "\n".join(rows),
        options.output,
    )


if __name__ == "__main__":
    main()
