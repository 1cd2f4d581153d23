"""A network's weights within what a training saved: under a key, behind prefixes, beside an optimiser's state."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neuromf.errors import InputError

DEEPEST = 3
"""Mappings within mappings that are looked into."""
NAMED = 6
"""Keys that a message names."""


@dataclass(frozen=True)
class Wrapped:
    """Tensors that may be a network's.

    Attributes:
        place: keys and prefix they stand under, joined by dots; empty at the top.
        tensors: by the name behind the prefix.
    """

    place: str
    tensors: dict[str, Tensor]


def find_weights(
    content: Any,  # noqa: ANN401
    expected: Collection[str],
    preferred: str,
    remedy: str = "give a file that holds its weights",
) -> Wrapped:
    """The weights of a network among all that a file holds.

    A tensor beside them whose first word no weight has, a discriminator's for instance, is left out.

    Args:
        content: of the file.
        expected: names of the network's tensors.
        preferred: key that is taken, whatever else there is.
        remedy: where there are none.

    Raises:
        InputError: there are none, or two that differ; without a file, which the caller knows.
    """
    if isinstance(content, Mapping) and isinstance(content.get(preferred), Mapping):
        content = {preferred: content[preferred]}
    found = [wrapped for mapping, place in _mappings(content) for wrapped in _behind_prefixes(mapping, place, expected)]
    whole = [wrapped for wrapped in found if wrapped.tensors.keys() >= set(expected)]
    if len(whole) > 1 and any(not _equal(whole[0], other) for other in whole[1:]):
        places = ", ".join(repr(wrapped.place) for wrapped in whole[:NAMED])
        choose = "write the one you want into a file of its own, with torch.save or safetensors"
        raise InputError(f"the weights stand there {len(whole)} times and differ: under {places}", remedy=choose)
    if whole:
        return whole[0]
    if not found:
        looked = f"neither under {preferred!r} nor, behind any prefix, names like {min(expected)!r}"
        problem = f"no tensors of this network in it: {looked}; it holds {described(content)}"
        raise InputError(problem, remedy=remedy)
    return max(found, key=lambda wrapped: len(wrapped.tensors.keys() & set(expected)))


def described(content: Any) -> str:  # noqa: ANN401
    """What stands at the top of a file, in a few words."""
    if not isinstance(content, Mapping):
        return f"a {type(content).__name__}"
    keys = [f"{key!s:.60}{_size(value)}" for key, value in list(content.items())[:NAMED]]
    more = f" and {len(content) - NAMED} more" if len(content) > NAMED else ""
    return f"{', '.join(keys)}{more}" if keys else "nothing"


def _size(value: object) -> str:
    if isinstance(value, Tensor):
        return f" {tuple(value.shape)}"
    return f" ({len(value)} entries)" if isinstance(value, Mapping) else f" ({type(value).__name__})"


def _mappings(content: Any, place: str = "", depth: int = 0) -> Iterator[tuple[Mapping[Any, Any], str]]:  # noqa: ANN401
    if not isinstance(content, Mapping) or depth > DEEPEST:
        return
    yield content, place
    for key, value in content.items():
        yield from _mappings(value, f"{place}.{key}" if place else str(key), depth + 1)


def _behind_prefixes(mapping: Mapping[Any, Any], place: str, expected: Collection[str]) -> Iterator[Wrapped]:
    """The tensors behind each prefix that one of the expected names has here, or all where none has."""
    tensors = {str(name): value for name, value in mapping.items() if isinstance(value, Tensor)}
    names = set(expected)
    words = {name.partition(".")[0] for name in names}
    prefixes = {name[: len(name) - len(last)] for name in tensors for last in _ends(name) if last in names}
    for prefix in sorted(prefixes) or ([""] if tensors and place else []):
        behind = {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}
        if prefixes:
            behind = {name: value for name, value in behind.items() if name.partition(".")[0] in words}
        yield Wrapped(".".join(part for part in (place, prefix.rstrip(".")) if part), behind)


def _ends(name: str) -> Iterator[str]:
    """The name, and what is left of it behind each dot."""
    parts = name.split(".")
    return (".".join(parts[start:]) for start in range(len(parts)))


def _equal(one: Wrapped, other: Wrapped) -> bool:
    return one.tensors.keys() == other.tensors.keys() and all(
        torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items()
    )
