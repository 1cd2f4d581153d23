"""Options that users of other trainers look for and that are not offered here, each with the reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UnsupportedOption:
    """One option: words that its key holds, why it is refused, and what to do instead."""

    words: tuple[str, ...]
    reason: str
    remedy: str


SHARDING = UnsupportedOption(
    words=("fsdp", "shard", "deepspeed", "zero_stage"),
    reason="sharded weights (FSDP) are refused, for the average, the check that replicas agree and the checkpoints "
    "need each rank's weights whole, and 177 M parameters with gradient, moments and average take 3.5 GB",
    remedy="remove it; under torchrun the model is replicated (DDP)",
)
UNSUPPORTED = (SHARDING,)


def unsupported_option(key: str) -> UnsupportedOption | None:
    """The refused option that a key asks for."""
    return next((option for option in UNSUPPORTED if any(word in key.lower() for word in option.words)), None)
