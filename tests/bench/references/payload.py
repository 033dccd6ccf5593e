"""What every writer stores of an event: the same 570 bytes. Our envelope comes beside them."""

PAYLOAD = b'{"note":"' + b"x" * 559 + b'"}'
