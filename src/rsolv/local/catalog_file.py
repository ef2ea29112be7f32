"""
Find and read the catalogue that the repository brings.
"""

from pathlib import Path

from rsolv.catalog import Catalog, parse_catalog

DEFAULT = Path(__file__).resolve().parents[3] / "catalog.toml"


def read_catalog_file(file: Path = DEFAULT) -> Catalog:
    """
    Read a catalogue file; by default the repository's own.

    Raises:
        FileNotFoundError: there is none.
        CatalogInvalid: it cannot be used.
    """
    return parse_catalog(file.read_text(encoding="utf-8"))
