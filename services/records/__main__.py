"""`python -m services.records [api|relay|worker|all]`."""

from services.records.service import service
from shared.runtime.main import main

main(service)
