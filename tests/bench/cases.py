"""The cases, in the order in which they are measured."""

from collections.abc import Mapping

from tests.bench.appending import APPENDING
from tests.bench.bench import Case
from tests.bench.importing import IMPORTING
from tests.bench.standing import STANDING

CASES: Mapping[str, Case] = {case.name: case for case in (*APPENDING, IMPORTING, STANDING)}
