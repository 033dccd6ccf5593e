"""The cases, in the order in which they are measured."""

from collections.abc import Mapping

from tests.bench.appending import APPENDING
from tests.bench.bench import Case
from tests.bench.depth import DEPTH
from tests.bench.fighting import FIGHTING
from tests.bench.growth import GROWING
from tests.bench.importing import IMPORTING
from tests.bench.loading import LOADING
from tests.bench.posting import POSTING
from tests.bench.projecting import PROJECTING
from tests.bench.slow_disk import SLOW_DISK
from tests.bench.snapshot import SNAPSHOT
from tests.bench.standing import STANDING
from tests.bench.visible import VISIBLE

_ORDER = (
    *APPENDING, SLOW_DISK, SNAPSHOT, FIGHTING, POSTING, *VISIBLE, *PROJECTING, LOADING, DEPTH, GROWING, IMPORTING,
    STANDING,
)  # fmt: skip

CASES: Mapping[str, Case] = {case.name: case for case in _ORDER}
