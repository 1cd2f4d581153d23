"""Causes that any training can have, weighed where a log is not a MeanFlow's, as in `neuromf.diagnosis.causes`."""

from __future__ import annotations

from neuromf.diagnosis.causes import Cause, Exclusion

PLAIN_CAUSES = (
    Cause(
        name="a learning rate that is too high",
        laws=("LR-002",),
        expects=(("rose", "had_climbed"), ("gradient_grew",), ("early",), ("at_full_rate",)),
        elsewhere="Divide the learning rate by ten, or warm it up over the first hundreds of steps, and train again.",
    ),
    Cause(
        name="a number that is not finite: an overflow, a division by zero, a bad sample",
        laws=("NUM-001",),
        expects=(("non_finite",),),
        excluded_by=(Exclusion("had_climbed", "it would end a divergence, not begin one"),),
        elsewhere="Find the first operation that gives it, as torch.autograd.set_detect_anomaly(True) does.",
    ),
    Cause(
        name="data or settings that changed while the run went on",
        laws=("DATA-001",),
        expects=(("rose",), ("restart_there",)),
        excluded_by=(Exclusion("early", "little had been learnt that a change could spoil"),),
        elsewhere="Look at what changed at that step: a restart, another stage of data, an unfrozen layer.",
    ),
    Cause(
        name="a gradient that the clip does not hold, or the window of Adam's second moment",
        laws=("OPT-001",),
        expects=(("gradient_grew",), ("rose",)),
        excluded_by=(Exclusion("early", "the moments had not settled yet"),),
        elsewhere="Clip the gradient's norm at 1 and set beta2 to 0.95.",
    ),
    Cause(
        name="the derivative or the objective itself",
        laws=("JVP-003",),
        expects=(("JVP-003", "JVP-005", "PREC-001"),),
        elsewhere="See what `neuromf gate --facts` says of this configuration.",
    ),
)
"""Every cause that is weighed for a log of any training."""
