"""The language model: the only package that speaks to one. Implements `domain.ports.model`."""

from llm.cache import CachePolicy, ResponseCache
from llm.client import ModelSettings, OpenAIModel

__all__ = ["CachePolicy", "ModelSettings", "OpenAIModel", "ResponseCache"]
