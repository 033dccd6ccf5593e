"""python -m services.billing [api|relay|worker|all]"""

from services.billing.service import service
from shared.runtime.main import main

main(service)
