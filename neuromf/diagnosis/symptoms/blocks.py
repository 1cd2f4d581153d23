"""Evidence in the gradient norms of the network's blocks: whether the blocks before the output learn.

The output convolution starts at zero and passes no gradient back. In the first step its gradient may therefore be a
million times that of the other blocks, and that is correct; the others catch up as its weights grow with the learning
rates applied. Only after enough of them is a small gradient of the others evidence: either the output hardly moves, or
it has moved and the blocks before it are lost.

The ranges are calibrated on 19 healthy and 19 broken trainings, most of 64 steps, on real latents of 4 x 8^3 and nets
of two and three levels. No net of real size is among them, and most were trained with one seed;
`tests/golden/test_trained_diagnosis.py` trains three again. With and without a wrong time derivative the imbalance was
equal within a third, early and late, so no block shows that fault. Nor does any block show that the optimiser does not
hold it, except the output.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from neuromf_spec.reference.schedule import lr_multiplier

from neuromf.config.derived import run_facts
from neuromf.config.schema import Config
from neuromf.diagnosis.symptoms.evidence import CalibratedRange, SignReading, fact
from neuromf.readable import rounded

OUTPUT, HEADS = "out", ("out", "v_out")
"""The output's block, and both that start at zero."""
STARVED = CalibratedRange(healthy=2.3, faulty=15.0)
"""Norm of `out` over the largest of the others, once a run is exposed: 0.5 to 1 as a rule and 2.3 in a net of twice the
width, 15 at a hundredth of the learning rate in a net of three levels."""
LOST = CalibratedRange(healthy=0.19, faulty=1.1)
"""That ratio times the learning rates added up: 0.19 at ten times the smoke recipe's rate, 1.1 at a hundred times."""
SETTLED_RATE = 0.1
"""Learning rates, added up, from which the ratio falls no further."""
LEAST_BLOCKS = 3
"""Fewest blocks besides the output with which the largest of them represents the network."""


@dataclass(frozen=True)
class BlockNorms:
    """Gradient norm of each block in one step.

    Attributes:
        step: optimiser step, from 0, before whose update they were taken.
        norms: by block.
    """

    step: int
    norms: Mapping[str, float]


def block_signs(config: Config, blocks: BlockNorms | None, long_enough: bool) -> Iterator[tuple[str, SignReading]]:
    """Signs by name that follow from the norms; none before the first update or without the output's norm.

    Args:
        config: the run.
        blocks: its latest norms.
        long_enough: whether enough learning rate had been applied then (`symptoms.update.exposed`).
    """
    known = {name: norm for name, norm in blocks.norms.items() if 0 <= norm < math.inf} if blocks else {}
    others = {name: norm for name, norm in known.items() if name not in HEADS}
    if blocks is None or not others or not known.get(OUTPUT) or blocks.step < 1:
        return
    largest = max(others, key=lambda name: others[name])
    ratio = known[OUTPUT] / others[largest] if others[largest] else math.inf
    rate = applied_rate(config, blocks.step)
    amount = f"{rate:.2g} in all" if rate < SETTLED_RATE else f"{SETTLED_RATE:g} in all or more"
    says = f"at step {blocks.step}, after learning rates of {amount}, the gradient norm of {OUTPUT} was "
    among = f", the largest of {len(others)} others" if len(others) > 1 else ""
    says += f"{rounded(ratio)} times that of {largest}{among}"
    moved = "has not moved" if ratio == math.inf else "has moved"
    yield "output_still", fact(ratio == math.inf, f"{says}: the output, which starts at zero, {moved}")
    if not long_enough:
        yield "imbalance", SignReading(0.0, says)
    elif len(others) >= LEAST_BLOCKS and ratio < math.inf:
        starved, lost = STARVED.place(ratio, says), LOST.place(ratio * rate, says).points > 0
        yield "blocks_lost" if lost else "blocks_starved", starved
        yield "blocks_fed", SignReading(-starved.points, starved.says)


def applied_rate(config: Config, step: int) -> float:
    """Learning rates of the updates before optimiser step `step`, added up, at most `SETTLED_RATE`."""
    training, total, done = config.training, run_facts(config).optimiser_steps, 0.0
    for earlier in range(min(step, total)):
        share = lr_multiplier(earlier, total, training.warmup_steps, training.lr_schedule)
        done += training.learning_rate * share
        if done >= SETTLED_RATE:
            return SETTLED_RATE
    return done
