"""The table of causes: what can be wrong with a run, and which signs are evidence for and against each cause.

A question is a tuple of signs of which any one suffices; it counts as much as its strongest sign. The points of all
questions of a cause are added. A sign's name is the id of a law (judged on the configuration), `event` and the id of a
law (an alarm while the run trained), or a name from one of the modules in `symptoms`. Of causes with equal points the
one higher up in the table comes first.
"""

from __future__ import annotations

from dataclasses import dataclass

Question = tuple[str, ...]


@dataclass(frozen=True)
class Exclusion:
    """A sign that a cause cannot explain, or that is no evidence about it, and why."""

    sign: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One row of the table.

    Attributes:
        name: as the reader sees it.
        laws: laws about it; shown is the first that the configuration breaks, else the last.
        expects: questions that are answered with yes if this is the cause.
        excluded_by: signs against it, of which the strongest counts; their absence counts for nothing.
        silent: signs that seem to be evidence about it and are not.
        try_next: what to do, where the laws' own remedies do not say it; `{lower_rate}` and `{higher_rate}` are rates.
        elsewhere: the same for a run of another code, whose keys are not ours.
    """

    name: str
    laws: tuple[str, ...]
    expects: tuple[Question, ...]
    excluded_by: tuple[Exclusion, ...] = ()
    silent: tuple[Exclusion, ...] = ()
    try_next: str = ""
    elsewhere: str = ""


SYMPTOMS = (
    "non_finite", "rate_off", "frozen", "average_off", "share_off", "data_scale", "terms_apart", "correction",
    "field_rate", "climb", "above_nothing", "weights_thrown", "flow_thrown", "flow_stuck", "channel_lead",
    "memorised",
)  # fmt: skip
"""Signs of which one alone shows that something is wrong; the others only distinguish causes."""

CAUSES = (
    Cause(
        name="a number that is not finite",
        laws=("NUM-001",),
        expects=(("non_finite",),),
        excluded_by=(
            Exclusion("climb", "it would end a divergence, not begin one"),
            Exclusion("above_nothing", "it would end a divergence, not begin one"),
        ),
    ),
    Cause(
        name="the schedule of the learning rate",
        laws=("LR-002",),
        expects=(("rate_off",),),
    ),
    Cause(
        name="what the optimiser holds and moves",
        laws=("OPT-002",),
        expects=(("frozen", "event OPT-002", "output_still"), ("flow_stuck",)),
    ),
    Cause(
        name="the average of the weights",
        laws=("EMA-001",),
        expects=(("average_off", "event EMA-001"),),
    ),
    Cause(
        name="the share of samples with r = t",
        laws=("TIME-002",),
        expects=(("share_off",),),
    ),
    Cause(
        name="the size of the latents",
        laws=("DATA-001",),
        expects=(("data_scale", "event DATA-001", "event DATA-003"), ("first_loss",)),
    ),
    Cause(
        name="the time derivative du/dt",
        laws=("JVP-003", "JVP-005", "PREC-001", "JVP-006"),
        expects=(
            ("terms_apart",),
            ("correction", "field_rate"),
            ("climb", "above_nothing"),
            ("JVP-003", "JVP-005", "PREC-001"),
        ),
        silent=(Exclusion("imbalance", "trainings with and without this fault begin alike"),),
        try_next="Measure du/dt against the exact one: run `neuromf gate` on this configuration.",
        elsewhere="Take du/dt by forward-mode differentiation in float32, of a network that is given t and not 1000 t; "
        "`neuromf conform` measures how far yours is off.",
    ),
    Cause(
        name="a learning rate that is too high",
        laws=("LR-002",),
        expects=(("weights_thrown", "blocks_lost"), ("flow_thrown", "flow_stuck")),
        excluded_by=(Exclusion("terms_apart", "a rate too high spoils both"),),
        try_next="Set training.learning_rate={lower_rate} and train again.",
        elsewhere="Divide the learning rate by ten and train again.",
    ),
    Cause(
        name="a learning rate that is too low, or still warming up",
        laws=("LR-003",),
        expects=(("flow_stuck",), ("weights_unmoved", "LR-003", "blocks_starved")),
        excluded_by=(
            Exclusion("climb", "a small rate raises no loss"),
            Exclusion("rate_off", "the rate is not the one that was set"),
            Exclusion("frozen", "a small rate still moves a weight"),
            Exclusion("blocks_fed", "a small rate leaves the output small, which holds the others' gradient back"),
        ),
        silent=(Exclusion("imbalance", "an output that starts at zero holds the others' gradient back, at any rate"),),
        try_next="Set training.learning_rate={higher_rate} and train again.",
        elsewhere="Multiply the learning rate by ten and train again.",
    ),
    Cause(
        name="one latent channel",
        laws=("LOSS-002",),
        expects=(("channel_lead",),),
        excluded_by=(Exclusion("others_climb", "one channel cannot carry them"),),
        try_next="Set meanflow.channel_weights=inverse_variance and train again.",
        elsewhere="Divide the loss of each channel by the variance of its latents and train again.",
    ),
    Cause(
        name="the window of Adam's second moment",
        laws=("OPT-001",),
        expects=(("OPT-001",), ("surge",)),
        excluded_by=(Exclusion("terms_apart", "an optimiser's step is the same for both"),),
    ),
    Cause(
        name="training scans that are known by heart",
        laws=("VAL-005",),
        expects=(("memorised", "event VAL-005"), ("held_out_worse",)),
        excluded_by=(Exclusion("above_nothing", "what is known by heart has a small loss in training"),),
    ),
    Cause(
        name="too few MF samples in an update",
        laws=("TIME-006", "BATCH-001"),
        expects=(("BATCH-001", "TIME-006"),),
        excluded_by=(
            Exclusion("climb", "noise widens a level and does not carry it off"),
            Exclusion("above_nothing", "noise widens a level and does not carry it off"),
        ),
    ),
    Cause(
        name="samples below the clamp of 1/t",
        laws=("TIME-004",),
        expects=(("TIME-004",), ("below_clamp",)),
        excluded_by=(Exclusion("terms_apart", "the clamp is the same for both"),),
    ),
    Cause(
        name="the weighted loss, which hides the raw one",
        laws=("WGT-002",),
        expects=(("WGT-002", "blind"), ("weight_turns",)),
        elsewhere="Show the raw loss, or log(1 + L/c), which has the same gradient and keeps rising with L.",
    ),
)
"""Every cause that is weighed."""

VISIBILITY_LAWS = ("WGT-002", "OBS-001", "GUARD-001")
"""Laws about what is recorded and reported. Their warnings mean that a fault could stay unseen, not that there is one;
only their halts are symptoms."""

JUDGED_BY_COLUMNS = (
    "GUARD-001", "GUARD-003", "GUARD-004", "GUARD-005", "GUARD-006", "JVP-003", "JVP-005", "JVP-006", "NUM-001",
    "OBS-001", "LR-001", "LR-002", "TIME-002", "WGT-002", "OPT-002", "EMA-001", "DATA-001", "DATA-003", "PRED-002",
    "VAL-005",
)  # fmt: skip
"""Laws whose numbers the signs above use already. An event of any other law adds a suspect for that law."""
