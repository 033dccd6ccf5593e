"""Opens the document store that the settings name."""

from shared.runtime.documents.port import Documents
from shared.runtime.settings import Settings


async def open_documents(service: str, settings: Settings, *, beside: Documents) -> Documents:
    """PostgreSQL beside the log, or MongoDB (imported only where it is used: its driver takes memory)."""
    if settings.documents == "postgres":
        return beside
    from shared.runtime.documents.mongodb import MongoDocuments

    database = settings.documents_database or f"carelog_{service}"
    return await MongoDocuments.open(url=settings.documents, database=database)
