"""PostgreSQL refuses to run as root: how root runs it all the same, widening nobody's rights."""

import functools
import os
import pwd
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Inside such a namespace root bears another number; outside, files and processes remain root's, so no folder has to be
# opened to another account. Containers often forbid it: there the account `nobody` runs the server.
_NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")
_ACCOUNT = "nobody"


def command(*, line: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """The command line that runs `line` without root's rights, and what `subprocess` must be told beside it."""
    if os.geteuid() != 0:
        return [*line], {}
    if _namespaces_are_allowed():
        return [*_NAMESPACE, *line], {}
    return [*line], {"user": _ACCOUNT, "extra_groups": []}


def make_folder(*, path: Path) -> None:
    """A folder for the one who runs the server and no other. One that is there and is somebody else's is refused."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.lstat().st_uid == os.geteuid() != _runner():
        os.chown(path, _runner(), -1)
    if path.lstat().st_uid != _runner():
        raise PermissionError(f"{path} belongs to another account")


def _runner() -> int:
    as_nobody = os.geteuid() == 0 and not _namespaces_are_allowed()
    return pwd.getpwnam(_ACCOUNT).pw_uid if as_nobody else os.geteuid()


@functools.cache
def _namespaces_are_allowed() -> bool:
    try:
        return subprocess.run([*_NAMESPACE, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
