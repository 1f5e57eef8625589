"""Discord's own refusals: HTTP code, JSON code and the text that goes with it."""

from __future__ import annotations

from typing import Any

# JSON code: (HTTP code, text). Source: topics/opcodes-and-status-codes; HTTP codes as the API sends them.
_KNOWN: dict[int, tuple[int, str]] = {
    10003: (404, "Unknown Channel"),
    10004: (404, "Unknown Guild"),
    10007: (404, "Unknown Member"),
    10008: (404, "Unknown Message"),
    10011: (404, "Unknown Role"),
    10013: (404, "Unknown User"),
    10015: (404, "Unknown Webhook"),
    10062: (404, "Unknown interaction"),
    10063: (404, "Unknown application command"),
    30032: (400, "Maximum number of application commands reached (100)."),
    30034: (400, "Max number of daily application command creates has been reached (200)"),
    40005: (413, "Request entity too large"),
    40060: (400, "Interaction has already been acknowledged."),
    50001: (403, "Missing Access"),
    50005: (403, "Cannot edit a message authored by another user"),
    50006: (400, "Cannot send an empty message"),
    50007: (403, "Cannot send messages to this user"),
    50013: (403, "Missing Permissions"),
    50021: (403, "Cannot execute action on a system message"),
    50024: (400, "Cannot execute action on this channel type"),
    50027: (401, "Invalid Webhook Token"),
    50033: (400, "Invalid Recipient(s)"),
    50035: (400, "Invalid Form Body"),
    50083: (400, "Thread is archived"),
    50109: (400, "The request body contains invalid JSON."),
    160002: (400, "Cannot reply without permission to read message history"),
    160004: (400, "A thread has already been created for this message"),
    160005: (403, "Thread is locked"),
}


class ApiRefusal(Exception):
    """An answer other than success; `errors` is Discord's tree of wrong fields."""

    def __init__(self, http: int, code: int, message: str, errors: dict[str, Any] | None = None) -> None:
        super().__init__(f"{http} {code}: {message}")
        self.http = http
        self.code = code
        self.message = message
        self.errors = errors

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"message": self.message, "code": self.code}
        if self.errors is not None:
            body["errors"] = self.errors
        return body


def refusal(code: int) -> ApiRefusal:
    """The refusal Discord knows under that number."""
    http, message = _KNOWN[code]
    return ApiRefusal(http, code, message)


def unauthorized() -> ApiRefusal:
    return ApiRefusal(401, 0, "401: Unauthorized")


def no_such_route() -> ApiRefusal:
    return ApiRefusal(404, 0, "404: Not Found")


def wrong_form(path: str, code: str, message: str) -> ApiRefusal:
    """One wrong field; `path` is dotted, as in `embeds.0.title`."""
    form = Form()
    form.wrong(path, code, message)
    return form.refusal()


class Form:
    """Collects what is wrong with a body, and the fields nobody knows."""

    def __init__(self) -> None:
        self.errors: dict[str, Any] = {}
        self.unknown: list[str] = []

    def wrong(self, path: str, code: str, message: str) -> None:
        node = self.errors
        for part in filter(None, path.split(".")):
            node = node.setdefault(part, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def refusal(self) -> ApiRefusal:
        http, message = _KNOWN[50035]
        return ApiRefusal(http, 50035, message, self.errors)

    def settle(self) -> None:
        """Raise what was found."""
        if self.errors:
            raise self.refusal()

    def known(self, path: str, value: dict[str, Any], fields: frozenset[str]) -> None:
        """Fields Discord would silently ignore: not refused, but remembered."""
        self.unknown.extend(f"{path}.{key}".lstrip(".") for key in value if key not in fields)

    def text(self, path: str, given: object, low: int, high: int) -> str:
        """A string of that many characters; missing is empty."""
        value = "" if given is None else given
        if not isinstance(value, str):
            self.wrong(path, "STRING_TYPE_CONVERT", f'Could not interpret "{value}" as string.')
            return ""
        if not value and low:
            self.wrong(path, "BASE_TYPE_REQUIRED", "This field is required")
        elif len(value) > high and not low:
            self.wrong(path, "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.")
        elif not low <= len(value) <= high:
            self.wrong(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")
        return value

    def items(self, path: str, value: Any, low: int, high: int) -> list[Any]:
        """A list of that many items; missing is empty."""
        if value is None:
            value = []
        if not isinstance(value, list):
            self.wrong(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return []
        if len(value) > high and not low:
            self.wrong(path, "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.")
        elif not low <= len(value) <= high:
            self.wrong(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")
        return value

    def record(self, path: str, value: Any) -> dict[str, Any]:
        """A JSON object; anything else is wrong and counts as empty."""
        if isinstance(value, dict):
            return value
        self.wrong(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        return {}
