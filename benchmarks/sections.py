"""Pages of results of which each command writes its own section."""

from pathlib import Path

from equivariance.report.files import write_text

PAGE = Path(__file__).parent.parent / "docs" / "results" / "steerable3d.md"
TITLE = "# Steerable CNNs on voxels: figures\n"


def write_section(heading: str, text: str, page: Path = PAGE) -> None:
    """Put ``text`` under "## heading" in place of what was there; other sections stay, in their order."""
    before = page.read_text() if page.is_file() else TITLE
    title, *parts = before.split("\n## ")
    sections = {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in parts}
    sections[heading] = text.strip()
    write_text(page, "\n".join([title.rstrip() + "\n", *(f"## {h}\n\n{t}\n" for h, t in sections.items())]))
