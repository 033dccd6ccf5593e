"""A service's immutable log: the one place where its facts are, in the order they were committed.

`schema` is the tables and the append in SQL, `committer` writes in groups, `store` reads, `unit` is load-ask-save.
"""

from shared.runtime.log.log import Log
from shared.runtime.log.unit import Unit

__all__ = ["Log", "Unit"]
