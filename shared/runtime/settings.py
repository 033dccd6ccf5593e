"""What a process is told from outside, read once in `__main__` and passed down.

A value comes from `CARELOG_<NAME>`, else from the file that `CARELOG_<NAME>_FILE` names, else from the file
`carelog_<name>` in the folder that `CARELOG_SECRETS` names. Services subclass `Settings` with their own tables.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ByteSize, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from shared.runtime.wording import broken_rules

PREFIX = "CARELOG_"

Secret = Annotated[str, Field(min_length=1, repr=False)]
"""text that may hold a password: never in a `repr`, a log line or a message"""


class Misconfigured(SystemExit):
    """The settings do not allow a start. Ends the process with a message that names variables, never values."""


class Settings(BaseSettings):
    """The settings that every service has. Those without a default are needed."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    postgres: Secret
    """Address of this service's own database, `postgresql://user:password@host/database`."""
    kafka: str = "127.0.0.1:9092"
    """Brokers to begin with, `host:port[,host:port]`."""
    kafka_replicas: int = Field(default=1, ge=1, le=9)
    """How many brokers keep each topic that is made here; 3 in production."""
    instance: str = Field(default="", max_length=249, pattern=r"^[A-Za-z0-9._-]*$")
    """A name that this process keeps over its restarts and shares with no other: its consumers come back at once."""
    feeds: str = Field(default="", pattern=r"^([a-z]+=https?://[^,\s]+(,[a-z]+=https?://[^,\s]+)*)?$")
    """Where the other services' feeds are, `records=http://records,billing=http://billing`: lost messages come from
    there. Without them, a hole in another service's topic stays until somebody fills it.
    """
    feed_token_file: str = ""
    """The file with the token that is shown to the feeds (role `system`), read anew whenever it is used."""
    documents: Secret = "postgres"
    """Where the read models are: `postgres` (beside the log), or a `mongodb://` address."""
    documents_database: str = ""
    """The MongoDB database of the read models. Empty: `carelog_<service>`."""
    host: str = "127.0.0.1"
    """The address that the HTTP doors listen on."""
    port: int = Field(ge=0, le=65535)
    """The port that the HTTP doors listen on; 0 takes a free one."""
    issuer: str = Field(min_length=1)
    """Who issues the callers' tokens: what their `iss` must be."""
    issuer_keys: str = Field(min_length=1)
    """The issuer's public keys: a file with a JSON Web Key Set, or its `https://` address."""
    audience: str = "carelog"
    """What the tokens' `aud` must name."""
    body_limit: ByteSize = ByteSize(16 * 1024 * 1024)
    """The largest request body; more is answered with 413. A number of bytes, or `16MiB`."""
    append_queue: int = Field(default=2_000, ge=1, le=100_000)
    """Commands that may be under way at once in one process; one more is answered with 503 and `Retry-After`."""
    wait_limit: float = Field(default=5.0, ge=0, le=60)
    """Seconds that a read waits for the version it asks for (`Carelog-Wait-For`) before it is answered with 503."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least severe log lines that are written."""
    otlp: str = ""
    """Where traces are sent, `http://collector:4318/v1/traces`. Empty: nowhere, at next to no cost."""

    @classmethod
    def read(cls) -> Self:
        """The settings of this process. Raises `Misconfigured`, which names each variable that is missing or wrong."""
        try:
            return cls()
        except ValidationError as wrong:
            broken = broken_rules(wrong.errors(include_input=False))
            lines = [f"{_variable(field.name)} {field.message}" for field in broken]
            raise Misconfigured("\n".join(["Carelog cannot start:", *lines])) from None
        except SettingsError as wrong:
            raise Misconfigured(f"Carelog cannot start: {wrong}") from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        folder = os.environ.get(f"{PREFIX}SECRETS")
        secrets = (SecretsSettingsSource(settings_cls, secrets_dir=folder),) if folder else ()
        return init_settings, env_settings, _NamedFiles(settings_cls), *secrets


class _NamedFiles(PydanticBaseSettingsSource):
    """The values in the files that `CARELOG_<NAME>_FILE` names: how Docker and Kubernetes hand secrets over."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"{_variable(field_name)}_FILE"
        named = os.environ.get(variable)
        try:
            value = Path(named).read_text("utf-8").strip() if named else None
        except (OSError, UnicodeDecodeError):
            raise SettingsError(f"{variable} names a file that cannot be read") from None
        return value, field_name, self.field_is_complex(field)

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items()}
        return {
            name: self.prepare_field_value(name, self.settings_cls.model_fields[name], value, is_complex)
            for name, (value, _, is_complex) in found.items()
            if value is not None
        }


def _variable(field: str) -> str:
    return PREFIX + field.upper()
