"""python -m services.notifications [api|relay|worker|all]"""

from services.notifications.service import service
from shared.runtime.main import main

main(service)
