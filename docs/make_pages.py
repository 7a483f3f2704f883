"""Writes docs/sources/*.md and the table in docs/sources.md; run by `make docs`."""

from __future__ import annotations

from pathlib import Path

from alertd.core.source_pages import page, with_table
from alertd.core.sources.kinds import KINDS

DOCS = Path(__file__).parent


def main() -> None:
    """Write them all."""
    folder = DOCS / "sources"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.md"):
        old.unlink()
    for name, kind in KINDS.items():
        (folder / f"{name}.md").write_text(page(kind))
    listing = DOCS / "sources.md"
    listing.write_text(with_table(listing.read_text(), KINDS))


if __name__ == "__main__":
    main()
