"""Settings that name code of the user's own: a callable by import path, and its keyword arguments."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

from pydantic import AfterValidator, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_NAME = r"[^\W\d]\w*"
_FACTORY = re.compile(rf"{_NAME}(\.{_NAME})*:{_NAME}(\.{_NAME})*")
_PLAIN = (bool, int, float, str, type(None))


class Options(dict[str, Any]):
    """Keyword arguments by name; plain values, so that the resolved text holds them."""

    def __hash__(self) -> int:  # type: ignore[override]
        """A configuration is kept by what it says."""
        return hash(json.dumps(self, sort_keys=True))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401
        """A mapping of names to plain values."""
        return core_schema.no_info_after_validator_function(_options, handler(dict[str, Any]))


def _options(given: dict[str, Any]) -> Options:
    for name, value in given.items():
        plain = isinstance(value, _PLAIN) or (isinstance(value, list) and all(isinstance(v, _PLAIN) for v in value))
        if not plain or not name.isidentifier():
            wanted = "give names to numbers, text, true, false, null, or lists of these"
            raise PydanticCustomError("options", "{wanted}; {name} is none", {"wanted": wanted, "name": repr(name)})
    return Options(given)


def _factory(given: str | None) -> str | None:
    if given is not None and not _FACTORY.fullmatch(given):
        raise PydanticCustomError("factory", "write package.module:callable")
    return given


Factory = Annotated[str | None, AfterValidator(_factory)]
"""`package.module:callable`; None where the network is ours."""
