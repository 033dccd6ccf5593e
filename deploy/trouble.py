"""What a person at the terminal can do something about. The message is all they see: one line, no traceback."""


class Trouble(Exception):
    """Says what is wrong and what helps."""
