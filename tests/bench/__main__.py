"""`python -m tests.bench [case ...]`: runs the cases, prints the table, and keeps it in `build/bench`."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from tests.bench.importing import importing
from tests.bench.report import Figure, as_markdown, write
from tests.bench.standing import standing

CASES: Mapping[str, Callable[[], AsyncIterator[Figure]]] = {"standing": standing, "importing": importing}


async def run(names: Sequence[str]) -> list[Figure]:
    """The figures of these cases, each told as it comes."""
    figures = []
    for name in names:
        async for figure in CASES[name]():
            print(f"{figure.case}: {figure.figure}: {figure.measured:,.1f} {figure.unit} {figure.wanted}", flush=True)
            figures.append(figure)
    return figures


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(CASES)
    if unknown := set(chosen) - CASES.keys():
        sys.exit(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    found = asyncio.run(run(chosen))
    print(f"\n{as_markdown(found)}\n\nkept in {write(found, folder=Path('build/bench'))}")
