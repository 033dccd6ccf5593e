"""What a person at the terminal can do something about. The message is all they see: one line, no traceback."""


class Trouble(Exception):
    """Says what is wrong and what helps. `code`: what the program exits with; 2 where it was asked wrongly."""

    def __init__(self, message: str, *, code: int = 1) -> None:
        super().__init__(message)
        self.code = code
