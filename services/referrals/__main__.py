"""python -m services.referrals [api|relay|worker|all]"""

from services.referrals.service import service
from shared.runtime.main import main

main(service)
