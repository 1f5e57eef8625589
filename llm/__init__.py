"""The language model: the only package that speaks to one. Implements `domain.ports.model`."""

from llm.books import BookedModel
from llm.cache import CachePolicy, Codec, Question, ResponseCache
from llm.client import OpenAIModel
from llm.models import ModelSettings, ModelSpec, Price, RetryLimits, read_keys, read_models, read_prices

__all__ = [
    "BookedModel",
    "CachePolicy",
    "Codec",
    "ModelSettings",
    "ModelSpec",
    "OpenAIModel",
    "Price",
    "Question",
    "ResponseCache",
    "RetryLimits",
    "read_keys",
    "read_models",
    "read_prices",
]
