"""Alarms of rules that no law speaks of: each has a name in place of a law's id."""

from __future__ import annotations

from neuromf.monitor.guard.alarm import Alarm, Level

PLATEAU, SPIKES, FROZEN, NO_GRADIENT = "plateau", "spikes", "frozen loss", "no gradient"
FLAT_INPUT, DROPOUT, UNLEARNT = "flat input", "dropout in evaluation", "unlearnt"
REMEDIES = {
    PLATEAU: "Look at the learning rate and at what the loss is without the network.",
    SPIKES: "Lower the learning rate or beta2, clip the gradient, or look at the batches of these steps.",
    FROZEN: "See that the optimiser is given the network's parameters, and that the loss is not saturated.",
    NO_GRADIENT: "See what the loss depends on: a detached output, dead units, a loss scale of zero.",
    FLAT_INPUT: "Look at the batches of these steps: a file that is empty, a transfer that lost them, a scale of zero.",
    UNLEARNT: "See what changed before the loss rose, the learning rate first, and go on from an earlier checkpoint.",
    DROPOUT: "Give functional.dropout and attention the module's own `training`; leave it if it is on purpose.",
    "training mode": "Call model.train() after each evaluation.",
    "GUARD-001": "Stop, see what changed before the loss rose, and go on from an earlier checkpoint.",
    "GUARD-004": "Stop: the network is worse than one that predicts nothing. See which term of the loss grew.",
    "GUARD-005": "Stop, see which term of the loss grew, and go on from an earlier checkpoint.",
    "GUARD-006": "Suspect the time derivative: take it exactly, and embed the times without a large factor.",
}
"""What to do, by rule. A law has its own remedy, but for those whose words are about a configuration of ours."""


def warning(rule: str, message: str, value: str, bound: str) -> Alarm:
    """A warning of a rule without a law."""
    return Alarm(rule, Level.WARN, value, bound, message)
