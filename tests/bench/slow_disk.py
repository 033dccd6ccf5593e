"""Appends on a disk that takes two milliseconds longer for each flush: what group commit is for.

A server of its own runs with a `fdatasync` that sleeps before the real one, so that both sides wait for the same disk.
"""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from deploy.embedded.postgres import LocalPostgres
from tests.bench.bench import Bench, Case, NotPossible
from tests.bench.references.pgbench import Pgbench
from tests.bench.report import Asked, Row
from tests.bench.running import interleaved
from tests.bench.writing import a_log, append_rate
from tests.support.engines.postgres import fresh_database

_SLOW = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

int fdatasync(int file)
{
    struct timespec two_milliseconds = {0, 2000000};
    int (*flush)(int) = dlsym(RTLD_NEXT, "fdatasync");
    nanosleep(&two_milliseconds, 0);
    return flush(file);
}
"""
_MOST_FLUSHES = 500
"""a second, where each takes two milliseconds or more"""

SLOW = Asked(case="append, slow disk", figure="64 clients, 2 ms more a flush, to pgbench -c64", at_least=1.0)


async def slow_disk(bench: Bench) -> AsyncIterator[Row]:
    with _slow_postgres(bench.folder("slow-disk")) as server:
        async with fresh_database(server=server) as dsn, a_log(dsn) as log:
            pgbench = Pgbench(dsn=dsn)
            if await pgbench.rate(clients=1, rows=50) > _MOST_FLUSHES:
                raise NotPossible("this PostgreSQL flushes without the fdatasync that was slowed")
            count = bench.scale.appends // 2
            ours, theirs = await interleaved(
                bench.scale.rounds, partial(append_rate, log, 64, count), partial(pgbench.rate, clients=64, rows=count)
            )
            yield SLOW.against(ours=ours, reference=theirs)


@contextmanager
def _slow_postgres(folder: Path) -> Iterator[LocalPostgres]:
    server = LocalPostgres(home=folder / "postgres")
    with _preloaded(_slow_flush(folder)):
        server.start()
    try:
        yield server
    finally:
        server.stop()


def _slow_flush(folder: Path) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NotPossible("slow flushes are made with a C compiler, and there is none")
    made = folder / "slow.so"
    line = [compiler, "-shared", "-fPIC", "-o", str(made), "-x", "c", "-", "-ldl"]
    done = subprocess.run(line, input=_SLOW, text=True, capture_output=True)
    if done.returncode:
        raise NotPossible(f"slow flushes could not be compiled: {done.stderr.strip()[-200:]}")
    return made


@contextmanager
def _preloaded(library: Path) -> Iterator[None]:
    """What is started inside runs with this library."""
    before = os.environ.get("LD_PRELOAD")
    os.environ["LD_PRELOAD"] = str(library)
    try:
        yield
    finally:
        os.environ.pop("LD_PRELOAD")
        if before is not None:
            os.environ["LD_PRELOAD"] = before


SLOW_DISK = Case(name="slow-disk", asks=(SLOW,), measure=slow_disk)
