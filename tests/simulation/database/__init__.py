"""PostgreSQL as the runtime sees it: its statements run over SQLite in memory, each at one moment of virtual time.

`dialect` turns a statement into SQLite's, `appends` are the two append functions, `server` keeps the data and the
sessions, `session` looks like asyncpg's connection and pool. A statement that nobody taught it fails loudly.
"""

from tests.simulation.database.server import Database
from tests.simulation.database.session import Pool, Session

__all__ = ["Database", "Pool", "Session"]
