"""What a topic may be configured to be, and what every topic here is. A setting which this broker cannot honour and a
client would notice is refused; one that only saves space in Kafka is kept, told, and not acted upon."""

from collections.abc import Mapping

from deploy.embedded.broker.errors import ErrorCode, Refused

_MAX_MESSAGE_BYTES = "max.message.bytes"
_TIMESTAMP_TYPE = "message.timestamp.type"


def defaults(*, max_message_bytes: int) -> dict[str, str]:
    return {
        "cleanup.policy": "delete",
        "compression.type": "producer",
        _MAX_MESSAGE_BYTES: str(max_message_bytes),
        _TIMESTAMP_TYPE: "CreateTime",
        "min.insync.replicas": "1",
        "retention.bytes": "-1",
        "retention.ms": "-1",
    }


def max_message_bytes(*, configs: Mapping[str, str], default: int) -> int:
    return int(configs.get(_MAX_MESSAGE_BYTES, default))


def refuse_unless_honoured(*, configs: Mapping[str, str]) -> None:
    if configs.get(_TIMESTAMP_TYPE, "CreateTime") != "CreateTime":
        raise Refused(ErrorCode.INVALID_CONFIG, "the development broker keeps the producers' timestamps only")
    if not configs.get(_MAX_MESSAGE_BYTES, "1").isdecimal():
        raise Refused(ErrorCode.INVALID_CONFIG, f"{_MAX_MESSAGE_BYTES} is a number of bytes")
