"""Makes the passwords and keys of the compose set-up, each in the folder that only its readers mount.

`python -m deploy.compose.secrets FOLDER`. What is there already stays as it is: run again, it changes nothing.
"""

import secrets
import sys
from datetime import timedelta
from pathlib import Path

from deploy.embedded.home import Home
from shared.contracts.catalogue import SERVICES

_FEED_TOKEN = timedelta(days=90)
"""nothing renews it while the containers run: `docker compose up` does"""


def make(*, folder: Path, home: Home) -> None:
    """`postgres/` and `mongodb/` hold the engines' passwords, `<service>/` what that service's settings read."""
    keys = home.issuer.prepare().read_text("utf-8")
    home.issuer.renew_feed_token(lifetime=_FEED_TOKEN, after=timedelta(days=1))
    for engine in ("postgres", "mongodb"):
        _once(folder / engine / "password", secrets.token_urlsafe(24))
    for service in SERVICES:
        name = f"carelog_{service}"
        passwords = {
            engine: _once(folder / engine / service, secrets.token_urlsafe(24)) for engine in ("postgres", "mongodb")
        }
        _once(folder / service / "carelog_postgres", f"postgresql://{name}:{passwords['postgres']}@postgres/{name}")
        _once(folder / service / "carelog_documents", f"mongodb://{name}:{passwords['mongodb']}@mongodb/{name}")
        _write(folder / service / "issuer.jwks.json", keys)
        _write(folder / service / "feed.token", home.issuer.feed_token.read_text("utf-8"))


def _once(path: Path, value: str) -> str:
    """The value that is kept in the file; this one where there is none yet."""
    if not path.exists():
        _write(path, value)
    return path.read_text("utf-8")


def _write(path: Path, value: str) -> None:
    """Whole or not at all. Readable by every account that sees the folder: each reader has one of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(value, "utf-8")
    part.chmod(0o444)
    part.replace(path)


def main(folder: Path) -> None:
    make(folder=folder, home=Home.chosen())
    (folder / "letters").mkdir(exist_ok=True)
    (folder / "letters").chmod(0o1777)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
