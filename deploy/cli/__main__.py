"""`python -m deploy.cli` is `carelog`."""

from deploy.cli import app

app()
