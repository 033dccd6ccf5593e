"""What the supervisor tells its programs."""

from pathlib import Path

from deploy.embedded.home import Home
from deploy.embedded.plan import Wanted, service_programs
from shared.contracts.catalogue import SERVICES


def test_each_service_has_a_name_in_its_groups_that_it_keeps_and_shares_with_no_other(tmp_path: Path) -> None:
    programs = service_programs(home=Home(tmp_path), wanted=Wanted(), databases=dict.fromkeys(SERVICES, "postgres:"))
    assert [one.environment["CARELOG_INSTANCE"] for one in programs] == list(SERVICES)
