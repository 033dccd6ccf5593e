"""Billing running, with a patient of the heart centre's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.billing.service import service
from shared.contracts.records import PatientRegistered
from tests.integration.billing.known import ANN, HEART
from tests.support.running import Running, running, said


@pytest.fixture
async def billing(database: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(service, database=database, home=tmp_path) as made:
        patient = PatientRegistered(resource={"resourceType": "Patient"})
        await made.heard(said(patient, subject=ANN, patient=ANN, organization=HEART))
        yield made
