"""Where the native engines' programs are kept between runs: CARELOG_ENGINES, else the user's cache folder."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.support.engines.engine import EngineUnavailable


def kept(*, name: str, recipe: Path, make: Callable[[Path], None]) -> Path:
    """The folder that `make` filled from `recipe`, made once per recipe however many ask for it at a time."""
    root = Path(os.environ.get("CARELOG_ENGINES") or Path.home() / ".cache" / "carelog" / "engines")
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"{name}-{_fingerprint(of=recipe)}"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _fill(folder=folder, make=make)
    return folder


def run(*, line: Sequence[str], folder: Path) -> None:
    """Run a build tool in `folder`; its absence or its failure makes the engine unavailable."""
    if shutil.which(line[0]) is None:
        raise EngineUnavailable(f"{line[0]} is not installed")
    done = subprocess.run(line, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise EngineUnavailable(f"{' '.join(line[:2])} failed: {(done.stderr or done.stdout).strip()[-500:]}")


def _fill(*, folder: Path, make: Callable[[Path], None]) -> None:
    # Made beside and renamed, so that what was interrupted is never taken for whole.
    fresh = folder.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    make(fresh)
    fresh.rename(folder)


def _fingerprint(*, of: Path) -> str:
    sources = sorted(path for path in of.iterdir() if path.suffix in {".go", ".mod", ".sum", ".xml"})
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
