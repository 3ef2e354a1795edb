"""What is wrong with a template, and where."""


class Invalid(Exception):
    """A template, environment or parameter that makes no sense; the text is for its author."""

    def __init__(self, message: str, path: str = "") -> None:
        said = f"{path}: {message}" if path else message
        if path.startswith("resources.") and ".properties" in path:
            # Heat's words for all that is wrong with a property; tools look for them.
            said = f"Property error: : {path}: : {message.removeprefix('Property error: ')}"
        super().__init__(said)
        self.message = message
        self.path = path


class NotKnownYet(Exception):
    """A value follows from a resource that has not been made; the text names it."""
