"""What is wrong with a template, and where."""


class Invalid(Exception):
    """A template, environment or parameter that makes no sense; the text is for its author."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.message = message
        self.path = path


class NotKnownYet(Exception):
    """A value follows from a resource that has not been made; the text names it."""
