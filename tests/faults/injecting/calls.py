"""Failing and slow system calls, by strace's fault injection."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.faults.row import NotHere

_ATTACHED_WITHIN = 10.0


@asynccontextmanager
async def injected(
    pids: Iterable[int], *, calls: str, what: str, children: bool = False
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`what` happens at these system calls of these processes, meanwhile: `error=EIO:when=1`, `delay_enter=200000`.

    `children`: at those of the processes that they start meanwhile, too. Raises `NotHere` where nobody may be traced.
    """
    pids = list(pids)
    if not pids:
        raise LookupError("there is no process to trace")
    line = ["strace", "-qq", *(["-f"] if children else []), "-o", "/dev/null"]
    for pid in pids:
        line += ["-p", str(pid)]
    line += ["-e", f"trace={calls}", "-e", f"inject={calls}:{what}", "-e", "signal=none"]
    strace = await asyncio.create_subprocess_exec(*line, stderr=asyncio.subprocess.PIPE)
    try:
        await _attached(strace, pids)
        yield strace
    finally:
        if strace.returncode is None:
            with suppress(ProcessLookupError):
                strace.send_signal(signal.SIGINT)
        await strace.wait()


async def _attached(strace: asyncio.subprocess.Process, pids: list[int]) -> None:
    """Returns when every process is traced."""
    async with asyncio.timeout(_ATTACHED_WITHIN):
        while not all(_tracer(pid) == strace.pid for pid in pids):
            if strace.returncode is not None:
                said = (await strace.stderr.read() if strace.stderr else b"").decode(errors="replace").strip()
                if "not permitted" in said:
                    raise NotHere(f"strace may not trace: {said[-200:]}")
                raise ProcessLookupError(f"strace ended: {said[-200:]}")
            await asyncio.sleep(0.01)


def _tracer(pid: int) -> int | None:
    """Who traces the process; None where it is gone or nobody does."""
    with suppress(OSError), Path(f"/proc/{pid}/status").open() as status:
        for line in status:
            if line.startswith("TracerPid:"):
                return int(line.split()[1]) or None
    return None
