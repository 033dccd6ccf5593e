"""The cases, in the order in which they are measured."""

from collections.abc import Mapping

from tests.bench.appending import APPENDING
from tests.bench.bench import Case
from tests.bench.fighting import FIGHTING
from tests.bench.importing import IMPORTING
from tests.bench.posting import POSTING
from tests.bench.slow_disk import SLOW_DISK
from tests.bench.snapshot import SNAPSHOT
from tests.bench.standing import STANDING
from tests.bench.visible import VISIBLE

CASES: Mapping[str, Case] = {
    case.name: case for case in (*APPENDING, SLOW_DISK, SNAPSHOT, FIGHTING, POSTING, *VISIBLE, IMPORTING, STANDING)
}
