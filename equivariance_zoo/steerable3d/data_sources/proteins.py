"""Reads protein structures, and computes densities of whole domains (CATH) and of amino acid environments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from equivariance_zoo.steerable3d.data_sources.densities import of_atoms
from equivariance_zoo.training.extras import import_extra

AMINO_ACIDS = (
    *("ALA", "ARG", "ASN", "ASP", "CYS", "GLN", "GLU", "GLY", "HIS", "ILE"),
    *("LEU", "LYS", "MET", "PHE", "PRO", "SER", "THR", "TRP", "TYR", "VAL"),
)
ELEMENTS = ("C", "N", "O", "S")
_BACKBONE = ("N", "CA", "C", "O", "OXT")


@dataclass(frozen=True)
class Atoms:
    """The heavy atoms of a structure, alternative locations and waters left out.

    Attributes:
        positions: [N, 3] float64, in angstrom.
        names: Name of each atom, such as "CA".
        elements: [N] indices into `ELEMENTS`, -1 for others.
        residues: [N] number of the residue of each atom, from 0.
        kinds: Three-letter name of each residue.
    """

    positions: Tensor
    names: tuple[str, ...]
    elements: Tensor
    residues: Tensor
    kinds: tuple[str, ...]


def read_atoms(path: Path) -> Atoms:
    """Reads the first model of a PDB or mmCIF file.

    Raises:
        ImportError: If gemmi is not installed.
        ValueError: If the file does not exist or has no atoms.
    """
    gemmi = import_extra("gemmi", "protein structures", "voxels")
    if not path.is_file():
        raise ValueError(f"path: expected a PDB or mmCIF file, got {path}")
    try:
        # The content determines the format, because the files of CATH have no suffix.
        structure = gemmi.read_structure(str(path), format=gemmi.CoorFormat.Detect)
    except (RuntimeError, ValueError, OSError) as error:
        raise ValueError(f"path: expected a PDB or mmCIF file, got {path} ({error})") from error
    if not len(structure):
        raise ValueError(f"path: expected a structure with atoms, got {path}")
    structure.remove_alternative_conformations()
    structure.remove_hydrogens()
    structure.remove_waters()
    rows: list[tuple[list[float], str, str, int]] = []
    kinds: list[str] = []
    for chain in structure[0]:
        for residue in chain:
            rows += [(a.pos.tolist(), a.name, a.element.name, len(kinds)) for a in residue]
            kinds.append(residue.name)
    if not rows:
        raise ValueError(f"path: expected a structure with atoms, got {path}")
    places, names, elements, residues = zip(*rows, strict=True)
    numbers = [ELEMENTS.index(e) if e in ELEMENTS else -1 for e in elements]
    return Atoms(
        torch.tensor(places, dtype=torch.float64), names, torch.tensor(numbers), torch.tensor(residues), tuple(kinds)
    )


def domain(atoms: Atoms, size: int = 50, spacing: float = 2.0, width: float = 2.0) -> Tensor:
    """Computes the density of a domain's alpha carbons about their centroid: [1, size, size, size]; in angstrom.

    Raises:
        ValueError: If there are no alpha carbons.
    """
    chosen = torch.tensor([name == "CA" for name in atoms.names])
    if not bool(chosen.any()):
        raise ValueError("atoms: expected alpha carbons (CA), got none")
    positions = atoms.positions[chosen]
    return of_atoms(positions - positions.mean(0), torch.zeros(len(positions)), 1, size, spacing, width)


def environments(atoms: Atoms, size: int = 20, spacing: float = 1.0, width: float = 0.8) -> list[tuple[Tensor, int]]:
    """Computes densities of C, N, O and S around each amino acid's alpha carbon, without its own side chain.

    Args:
        atoms: A structure.
        size: Voxels along each axis.
        spacing: Spacing of voxels, in angstrom.
        width: Sigma of an atom, in angstrom.

    Returns:
        For each of the residues among `AMINO_ACIDS` that has an alpha carbon: [4, size, size, size] and its number.
    """
    found = []
    side = torch.tensor([name not in _BACKBONE for name in atoms.names])
    reach = (3**0.5) * size * spacing / 2 + 3 * width
    for index, (name, residue) in enumerate(zip(atoms.names, atoms.residues.tolist(), strict=True)):
        kind = atoms.kinds[residue]
        if name != "CA" or kind not in AMINO_ACIDS:
            continue
        relative = atoms.positions - atoms.positions[index]
        near = (relative.norm(dim=1) < reach) & ~(side & (atoms.residues == residue))
        field = of_atoms(relative[near], atoms.elements[near], len(ELEMENTS), size, spacing, width)
        found.append((field, AMINO_ACIDS.index(kind)))
    return found
