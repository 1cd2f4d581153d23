"""What the ranks tell each other of a step's micro-batches, in one collective (laws BATCH-002 and NUM-001)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from neuromf.training.process_group.ranks import ProcessGroup, as_vector

FINITE = "finite."
"""Before the number of a rank, among the readings."""
WORDS = 8
"""Numbers of 32 bits in a SHA-256: a float64 holds each exactly."""


@dataclass(frozen=True)
class StepExchange:
    """Sums and digests of all ranks.

    Attributes:
        names: of the sums, in order.
        sums_RN: each rank's sums, float64, (ranks, sums).
        words_RM: what each rank's digests are sent as: how many, how many words, those words; padded with zeros.
        own: this rank's digests.
    """

    names: tuple[str, ...]
    sums_RN: Tensor
    words_RM: Tensor
    own: list[str]

    def totals(self) -> dict[str, Tensor]:
        """Sums over ranks, added in their order: the same bits on each, so that none halts alone (law GUARD-002)."""
        return dict(zip(self.names, self.sums_RN.sum(0), strict=True))

    def finite(self) -> dict[str, Tensor]:
        """By rank, 1 where its own sums were finite: a sum over ranks has no author."""
        return {f"{FINITE}{rank}": one for rank, one in enumerate(self.sums_RN.isfinite().all(1).double())}

    def digests(self) -> list[str]:
        """Of the step's micro-batches in the order in which they were dealt out; waits for the device.

        Raises:
            ValueError: on all ranks, when one took more or fewer than rank 0; their replicas would not show it.
        """
        if len(self.words_RM) == 1:
            return self.own
        rows = self.words_RM.cpu().numpy()
        counts = rows[:, 0].astype(int)
        for rank, count in enumerate(counts):
            if count != counts[0]:
                raise ValueError(f"rank {rank} took {count} micro-batches of the step, rank 0 took {counts[0]}")
        parts = [_as_digests(row) for row in rows]
        return [digest for turn in zip(*parts, strict=True) for digest in turn]


def exchange(group: ProcessGroup, sums: Mapping[str, Tensor], digests: list[str], samples: int) -> StepExchange:
    """Tell every rank the sums and digests of this one, and hear theirs.

    Args:
        group: the ranks.
        sums: this rank's, over its micro-batches.
        digests: of each of its micro-batches of one size, a SHA-256 a sample.
        samples: a rank's share of the step, the same on each; digests of more are cut off, their number is not.
    """
    own_N = as_vector(sums)
    words = own_N.new_zeros(0) if group.size == 1 else _as_words(digests, samples * WORDS).to(own_N.device)
    gathered = group.gather(torch.cat([own_N, words]))
    return StepExchange(tuple(sums), gathered[:, : len(own_N)], gathered[:, len(own_N) :], digests)


def _as_words(digests: Sequence[str], room: int) -> Tensor:
    words = np.frombuffer(bytes.fromhex("".join(digests)), dtype="<u4")[:room]
    return torch.from_numpy(np.concatenate([[len(digests), len(words)], words, np.zeros(room - len(words))]))


def _as_digests(row: np.ndarray) -> list[str]:
    count, words = row[:2].astype(int)
    return [part.astype("<u4").tobytes().hex() for part in row[2 : 2 + words].reshape(count, -1)]
