"""Closed values as JSON text in a column: compact, and readable by whoever opens the database."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import Field, TypeAdapter
from pydantic_core import PydanticSerializationError

from domain.answer import Answer
from domain.plan import Plan
from domain.recurrence import Rule
from domain.skill import SkillSpec
from domain.task import Exchange, Failure, ModelAway, Result, Upload
from storage.columns import storable

V = TypeVar("V")


class JsonText(Generic[V]):
    """Writes values of one type as JSON text and reads them back.

    Fields that a newer program added are filled with their defaults, unknown ones are ignored, so old and new
    programs can share a database.
    """

    def __init__(self, adapter: TypeAdapter[V]) -> None:
        self._adapter = adapter

    def dump(self, value: V | None) -> str | None:
        """The text to store; None stays None."""
        if value is None:
            return None
        try:
            return self._adapter.dump_json(value, warnings=False).decode()
        except PydanticSerializationError:  # a lone surrogate somewhere inside: the standard library lets it pass
            plain = self._adapter.dump_python(value, warnings=False)
            return storable(json.dumps(plain, ensure_ascii=False))

    def load(self, text: str | None) -> V | None:
        """The value behind a stored text; None stays None."""
        return None if text is None else self.read(text)

    def read(self, text: str) -> V:
        """The value behind a stored text."""
        return self._adapter.validate_json(text)


PLAN = JsonText(TypeAdapter(Plan))
RESULT = JsonText(TypeAdapter(Result))
FAILURE = JsonText(TypeAdapter(Failure))
MODEL_AWAY = JsonText(TypeAdapter(ModelAway))
ANSWER = JsonText(TypeAdapter(Answer))
DIALOGUE = JsonText(TypeAdapter(tuple[Exchange, ...]))
UPLOADS = JsonText(TypeAdapter(tuple[Upload, ...]))
RULE = JsonText(TypeAdapter[Rule](Annotated[Rule, Field(discriminator="kind")]))
TIMES = JsonText(TypeAdapter(tuple[datetime, ...]))
SKILLS = JsonText(TypeAdapter(tuple[SkillSpec, ...]))
