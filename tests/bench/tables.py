"""Puts the table of the last run into a document, between two markers: `python -m tests.bench --tables FILE`."""

import re
from pathlib import Path

_PLACE = re.compile(r"(<!-- bench: made by `make bench` -->\n)(.*?)(<!-- end -->)", re.DOTALL)


class NoPlace(ValueError):
    """The document has no markers to put the table between."""


def put(table: str, *, into: Path) -> None:
    """Replaces what stands between the markers."""
    content = into.read_text("utf-8")
    if not _PLACE.search(content):
        raise NoPlace(f"{into} has no place for the bench's table")
    into.write_text(_PLACE.sub(lambda found: f"{found[1]}{table.strip()}\n{found[3]}", content), "utf-8")
