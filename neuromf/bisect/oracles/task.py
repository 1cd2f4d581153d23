"""One probe as a worker gets it: everything that decides the answer, as plain JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from neuromf.bisect.mixtures import nested
from neuromf.config.load import validate
from neuromf.config.schema import Config


@dataclass(frozen=True, kw_only=True)
class Task:
    """A training to be judged.

    Attributes:
        oracle: name of the oracle and what follows the colon.
        config: every key of the mixture by dotted path.
        good: every key of the good run, for oracles that compare.
        seed: of weights and batches.
        micro_batches: most of them that are trained, accumulated ones counted one by one.
        device: where to compute; None for CUDA when there is one.
        reference_seed: of the good run that is compared with; None for `seed`.
    """

    oracle: str
    config: dict[str, Any]
    good: dict[str, Any]
    seed: int
    micro_batches: int
    device: str | None = "cpu"
    reference_seed: int | None = None

    @property
    def mixture(self) -> Config:
        """What is trained, with the probe's seed."""
        return validate(nested({**self.config, "training.seed": self.seed}))

    @property
    def reference(self) -> Config:
        """The good run, with the same seed unless another is given."""
        seed = self.seed if self.reference_seed is None else self.reference_seed
        return validate(nested({**self.good, "training.seed": seed}))

    def record(self) -> dict[str, Any]:
        """The task as JSON."""
        return asdict(self)

    @classmethod
    def read(cls, record: dict[str, Any]) -> Self:
        """The task of a record."""
        return cls(**record)
