"""python -m services.scheduling [api|relay|worker|all]"""

from services.scheduling.service import service
from shared.runtime.main import main

main(service)
