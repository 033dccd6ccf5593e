"""FerretDB, built from its module: MongoDB's protocol over a local PostgreSQL. It proves correctness, not speed."""

from pathlib import Path

import pymongo
from pymongo.errors import PyMongoError

from deploy.embedded.postgres import LocalPostgres
from tests.support.engines import cache
from tests.support.engines.native import NativeEngine, is_open

_RECIPE = Path(__file__).parent
_DATABASE = "ferretdb"


class NativeFerretDB(NativeEngine):
    """A server over the folder `home`, whose documents are in `store`."""

    def __init__(self, *, home: Path, store: LocalPostgres) -> None:
        super().__init__(home=home)
        self._store = store

    @property
    def address(self) -> str:
        """The URL."""
        return f"mongodb://127.0.0.1:{self._port()}/"

    def _line(self) -> list[str]:
        self._store.start()
        self._store.ensure_database(name=_DATABASE)
        listen = f"127.0.0.1:{self._port()}"
        return [str(program()), "-listen", listen, "-postgres", self._store.dsn(database=_DATABASE)]

    def _answers(self) -> bool:
        if not is_open(port=self._port()):
            return False
        try:
            with pymongo.MongoClient[dict[str, object]](self.address, serverSelectionTimeoutMS=2000) as client:
                return bool(client.admin.command("ping")["ok"])
        except PyMongoError:
            return False


def program() -> Path:
    """The built program; the first build takes a minute or two."""
    return cache.kept(name="ferretdb", recipe=_RECIPE, make=_build) / "ferretdb"


def _build(folder: Path) -> None:
    options = ["-mod=readonly", "-trimpath", "-tags", "ferretdb_no_sqlite", "-o", str(folder / "ferretdb"), "."]
    cache.run(line=["go", "build", *options], folder=_RECIPE)
