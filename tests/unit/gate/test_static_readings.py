"""Each static reading on random configurations, against what the law is asked by formulas on the configuration's keys.

The formulas are written here once more, from the keys as a user types them: no code of the gate, nor of
`neuromf.config.derived`, is used for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from neuromf_spec.law import Severity
from neuromf_spec.laws.observability import raw_columns
from neuromf_spec.laws.time_integrals import gap_probability, mean_squared_gap, trained_loss_per_dim
from neuromf_spec.reference.failed_run import FAILED_RUN_START, HEALTHY_RATIO, HEALTHY_START, recorded_curve
from neuromf_spec.registry import law, laws

from neuromf.config.load import load_config
from neuromf.config.resolve import flat_config
from neuromf.config.schema import Config
from neuromf.data.scan import GUESSED, Scan
from neuromf.data.splits import split_subjects
from neuromf.data.subjects import alike_guesses
from neuromf.gate import training_checks
from neuromf.gate.result import LawResult
from neuromf.gate.static import CHECKS, static_findings
from neuromf.monitor.guard.guard import first_alarms
from neuromf.monitor.guard.zero_predictor import ZeroPredictorLoss
from tests.support.config_strategies import configs

Keys = dict[str, Any]


def steps(k: Keys) -> int:
    """Whole updates of the run; micro-batches that are too few for one train nothing."""
    micro_batches = k["training.epochs"] * k["training.micro_batches_per_epoch"]
    return int(micro_batches // k["training.gradient_accumulation_steps"])


def batch(k: Keys) -> int:
    """Samples of one update."""
    return int(k["training.batch_size_per_gpu"] * k["training.gpus"] * k["training.gradient_accumulation_steps"])


def dims(k: Keys) -> int:
    """Four channels, a cell for every four voxels along each axis."""
    return k["vae.latent_channels"] * math.prod(size // k["vae.stride"] for size in k["data.shape"])


def micro_batches(k: Keys) -> tuple[int, int]:
    """Epochs, and micro-batches of one."""
    return k["training.epochs"], k["training.micro_batches_per_epoch"]


def second_time(k: Keys) -> tuple[float, float]:
    """Mean and deviation of the second time's logit: its own, or else the first's."""
    own = (k["time_sampling.r_mu"], k["time_sampling.r_sigma"])
    alike = (k["time_sampling.mu"], k["time_sampling.sigma"])
    return tuple(a if o is None else o for o, a in zip(own, alike, strict=True))  # type: ignore[return-value]


def trained_loss(k: Keys) -> float:
    """Of a perfect model on latents of variance 1, in the unit of the reduction."""
    uniform = (1 - k["time_sampling.data_proportion"]) * k["time_sampling.uniform_fraction"]
    times = (k["time_sampling.mu"], k["time_sampling.sigma"], k["time_sampling.t_min"])
    return trained_loss_per_dim(*times, uniform, second_time(k)) * (dims(k) if k["meanflow.reduction"] == "sum" else 1)


def multiplier(k: Keys, step: int) -> float:
    """LR-002 as its equation says it."""
    ramp, total = k["training.warmup_steps"], steps(k)
    if step < ramp:
        return (step + 1) / ramp
    done = (step - ramp) / (total - ramp)
    shapes = {"constant": 1.0, "cosine": (1 + math.cos(math.pi * done)) / 2, "linear": 1 - done}
    return shapes[k["training.lr_schedule"]]


@cache
def halts(warn: float, halt: float | None) -> tuple[int | None, bool]:
    """Epoch at which a guard with these bounds halts the failed run, and whether it halts a healthy one."""
    failed = first_alarms(warn, halt, recorded_curve(), ZeroPredictorLoss(FAILED_RUN_START, FAILED_RUN_START))
    healthy = first_alarms(warn, halt, HEALTHY_RATIO, ZeroPredictorLoss(HEALTHY_START, HEALTHY_START))
    return next((epoch for level, epoch in failed.items() if level == "halt"), None), "halt" in healthy


def guard(k: Keys) -> Keys:
    warn, halt = k["training.divergence_warn_ratio"], k["training.divergence_threshold"]
    epoch, false_alarm = halts(warn, halt)
    monitors = k["training.monitors"]
    return {"divergence_threshold": halt, "warn_ratio": warn, "failed_run_halted_at": epoch,
            "halts_healthy_run": false_alarm, "monitors": monitors}  # fmt: skip


def split(k: Keys) -> Keys:
    """Of the built-in cohort, whose subjects have one scan each."""
    ids = [f"sub-{number:04d}" for number in range(1, k["data.demo_subjects"] + 1)]
    ratios = dict(zip(("train", "validation", "test"), k["data.split_ratios"], strict=True))
    used = set(split_subjects(ids, k["data.split_ratios"], k["data.split_seed"]).values())
    empty = [name for name, ratio in ratios.items() if ratio > 0 and name not in used]
    return {"shared_subjects": 0, "empty_splits": empty, "subjects": len(ids)}


def derivative_type(k: Keys) -> str:
    """As asked for; else float32 where it is exact, and the training's own where it is a difference."""
    exact = k["meanflow.jvp"] == "exact"
    return k["meanflow.derivative_precision"] or ("fp32" if exact else k["training.precision"])  # type: ignore[no-any-return]


def exact_types(k: Keys) -> Keys:
    """Of a difference the rounding is another law's."""
    kind, exact = derivative_type(k), k["meanflow.jvp"] == "exact"
    derivative = {"bf16": "bfloat16", "tf32": "tfloat32", "fp32": "float32"}[kind] if exact else None
    return {"loss": "float32", "derivative": derivative, "chosen": exact and kind != "fp32"}


def below_the_clamp(k: Keys) -> float:
    """Probability that the larger of two times lies below the clamp, 0 where the sampler's floor does not."""
    clamp = k["meanflow.t_min"]
    if k["meanflow.prediction"] == "u" or k["time_sampling.t_min"] >= clamp:
        return 0.0
    uniform = (1 - k["time_sampling.data_proportion"]) * k["time_sampling.uniform_fraction"]
    both = [(k["time_sampling.mu"], k["time_sampling.sigma"]), second_time(k)]
    mass = math.prod(NormalDist(mean, deviation).cdf(math.log(clamp / (1 - clamp))) for mean, deviation in both)
    return (1 - uniform) * mass + uniform * clamp * clamp


def noise_scale(k: Keys) -> Keys:
    """Of a difference: the mean squared gap of its MF samples, and the loss a dim that is left of unit variance."""
    if k["meanflow.jvp"] == "exact":
        return {}
    times = (k["time_sampling.mu"], k["time_sampling.sigma"])
    gap = mean_squared_gap(*times, k["time_sampling.uniform_fraction"], second_time(k))
    return {"squared_gap": gap, "loss": trained_loss({**k, "meanflow.reduction": "mean"})}


def travelled(k: Keys) -> float:
    """The multiplier of LR-002 added up; of a long run by its mean between the ramp and the end."""
    total, ramp = steps(k), min(k["training.warmup_steps"], steps(k))
    if total <= 5_000:
        return math.fsum(multiplier(k, step) for step in range(total))
    risen = ramp * (ramp + 1) / (2 * k["training.warmup_steps"]) if ramp else 0.0
    left = total - ramp
    return risen + (left if k["training.lr_schedule"] == "constant" else (left + 1) / 2 if left else 0)


def weight(k: Keys) -> Keys:
    return {"loss": trained_loss(k), "norm_eps": k["meanflow.norm_eps"], "norm_p": k["meanflow.norm_p"]}


def validations(k: Keys) -> int:
    """Steps that end so many epochs, by the first micro-batch of the epoch after them, and the last step."""
    every, size = k["training.validate_every_epochs"], k["training.gradient_accumulation_steps"]
    between = every * k["training.micro_batches_per_epoch"]
    ends = range(between, k["training.epochs"] * k["training.micro_batches_per_epoch"] + 1, between)
    # The next step holds the micro-batch after the end, so that this one is the last that does not.
    return len({steps(k) - 1, *(step for end in ends if 0 <= (step := -(-(end + 1) // size) - 2) < steps(k) - 1)})


def validated(k: Keys) -> Keys:
    """Subjects of either split, and what the run is judged by."""
    made = [f"sub-{number:04d}" for number in range(k["data.demo_subjects"])]
    homes = list(split_subjects(made, k["data.split_ratios"], k["data.split_seed"]).values())
    return {
        "subjects": homes.count("validation"), "training_subjects": homes.count("train"),
        "metric": k["training.validation_metric"], "data_proportion": k["time_sampling.data_proportion"],
        "dual": k["meanflow.loss_terms"] == "dual",
    }  # fmt: skip


def validation_share(k: Keys) -> Keys:
    """Passes: three of a sample with gradient, three of a derivative, four draws of either slice without gradient."""
    flow, meanflow = k["time_sampling.data_proportion"], 1 - k["time_sampling.data_proportion"]
    dual = k["meanflow.loss_terms"] == "dual"
    trained = (3 + 3 * meanflow + (3 * meanflow if dual else 0)) * batch(k) * steps(k)
    each = (1 if flow > 0 or dual else 0) + (4 if meanflow > 0 else 0)
    found = validated(k)
    scans = min(k["training.validation_scans"], found["subjects"], found["training_subjects"])
    judged = 2 * 4 * scans * each * validations(k)
    return {"share": judged / (judged + trained)}


@dataclass(frozen=True)
class Reading:
    """What a law is asked of a configuration, and the key that a user would change."""

    key: str
    arguments: Callable[[Keys], Keys]


READINGS = {
    "LR-001": Reading("training.lr_schedule", lambda k: {
        "multiplier": multiplier(k, 0), "schedule": k["training.lr_schedule"],
        "warmup_steps": k["training.warmup_steps"]}),
    "LR-003": Reading("training.warmup_steps", lambda k: {
        "warmup_steps": k["training.warmup_steps"], "optimiser_steps": steps(k)}),
    "OPT-001": Reading("training.beta2", lambda k: {
        "beta1": k["training.beta1"], "beta2": k["training.beta2"], "optimiser_steps": steps(k)}),
    "EMA-001": Reading("ema.decay", lambda k: {"decay": k["ema.decay"], "optimiser_steps": steps(k)}),
    "EMA-002": Reading("ema.decay", lambda k: {"decay": k["ema.decay"], "optimiser_steps": steps(k)}),
    "BATCH-001": Reading("training.gradient_accumulation_steps", lambda k: {
        "batch_size_per_gpu": k["training.batch_size_per_gpu"], "gpus": k["training.gpus"],
        "gradient_accumulation_steps": k["training.gradient_accumulation_steps"],
        "data_proportion": k["time_sampling.data_proportion"], "run": micro_batches(k)}),
    "DATA-002": Reading("data.split_ratios", split),
    "GUARD-001": Reading("training.divergence_threshold", guard),
    "OBS-001": Reading("training.diagnostics", lambda k: {
        "recorded": raw_columns(k["vae.latent_channels"]), "channels": k["vae.latent_channels"]}),
    "CFG-001": Reading("", lambda _: {"unknown": ()}),
    "CFG-002": Reading("", lambda k: {"settings": {**k, "optimiser_steps": steps(k)}}),
    "JVP-004": Reading("", lambda k: {"settings": {**k, "optimiser_steps": steps(k)}}),
    "TIME-002": Reading("time_sampling.data_proportion", lambda k: {
        "fm_samples": math.floor(Fraction(repr(k["time_sampling.data_proportion"])) * batch(k)), "samples": batch(k),
        "data_proportion": k["time_sampling.data_proportion"], "run": micro_batches(k)}),
    "TIME-004": Reading("time_sampling.t_min", lambda k: {
        "sampler_t_min": k["time_sampling.t_min"], "clamp_t_min": k["meanflow.t_min"],
        "prediction": k["meanflow.prediction"], "share": below_the_clamp(k)}),
    "TIME-005": Reading("time_sampling.uniform_fraction", lambda k: {"probability": gap_probability(
        0.9, k["time_sampling.mu"], k["time_sampling.sigma"], k["time_sampling.uniform_fraction"], second_time(k)),
        "mf_samples": (1 - k["time_sampling.data_proportion"]) * batch(k) * steps(k)}),
    "TIME-007": Reading("time_sampling.data_proportion", lambda k: {"share": 1 - k["time_sampling.data_proportion"]}),
    "PRED-003": Reading("", lambda k: {
        "prediction": k["meanflow.prediction"], "token_dims": k["vae.latent_channels"],
        "token_width": k["unet.channels"][0]}),
    "OPT-006": Reading("training.epochs", lambda k: {
        "optimiser_steps": steps(k), "learning_rate_sum": k["training.learning_rate"] * travelled(k)}),
    "PREC-002": Reading("unet.embedding_precision", lambda k: {
        "time_scale": k["unet.time_scale"],
        "precision": "bf16" if k["unet.embedding_precision"] == "network" and k["training.precision"] == "bf16"
        else "fp32"}),
    "CFG-003": Reading("", lambda k: {
        "initialised_from": "scratch", "guidance": "none" if (
            k["meanflow.guidance_scale"], k["meanflow.guidance_mixing"]) == (1, 0) else "from_start"}),
    "WGT-006": Reading("meanflow.norm_p", lambda k: {"norm_p": k["meanflow.norm_p"]}),
    "TIME-006": Reading("time_sampling.data_proportion", lambda k: {
        "data_proportion": k["time_sampling.data_proportion"], "latent_dims": dims(k)}),
    "JVP-003": Reading("meanflow.jvp", lambda k: {
        "method": k["meanflow.jvp"], "step": k["meanflow.fd_step"], "time_scale": k["unet.time_scale"],
        "precision": derivative_type(k), "scheme": k["meanflow.fd_scheme"], **noise_scale(k)}),
    "JVP-005": Reading("unet.time_scale", lambda k: {"time_scale": k["unet.time_scale"], "method": k["meanflow.jvp"]}),
    "PREC-001": Reading("training.precision", exact_types),
    "WGT-002": Reading("training.reported_loss", lambda k: {**weight(k), "reported": k["training.reported_loss"]}),
    "WGT-003": Reading("meanflow.reduction", lambda k: {
        "reduction": k["meanflow.reduction"], "norm_eps": k["meanflow.norm_eps"], "norm_p": k["meanflow.norm_p"],
        "dims": dims(k)}),
    "WGT-005": Reading("meanflow.norm_eps", weight),
    "LOSS-003": Reading("meanflow.loss_power", lambda k: {"power": k["meanflow.loss_power"]}),
    "VAL-001": Reading("training.validate_every_epochs", validated),
    "VAL-002": Reading("training.early_stop_patience", lambda k: {
        "patience": k["training.early_stop_patience"], "validations": validations(k)}),
    "VAL-003": Reading("training.validate_every_epochs", validation_share),
}  # fmt: skip


def not_asked(k: Keys) -> set[str]:
    """Laws that have nothing to judge: those of an average, a weight, a validation or a patience that is not there."""
    average = {"EMA-001", "EMA-002"} if k["ema.decay"] is None else set()
    validation = set() if k["training.validate_every_epochs"] else {"VAL-001", "VAL-003"}
    patience = {"VAL-002"} if k["training.early_stop_patience"] is None else set()
    return average | validation | patience | ({"WGT-005"} if k["meanflow.norm_p"] == 0 else set())


ENDS = (
    "time_sampling.data_proportion=0.999", "training.ddp_static_graph=true", "ema.decay=0.9999",
    "unet.time_scale=1000.0", "unet.embedding_precision=network", "training.precision=bf16", "meanflow.norm_p=3.0",
    "training.epochs=3",
    "meanflow.prediction=u", "unet.channels=[4,4]", "unet.attention_levels=[false,true]", "unet.norm_num_groups=2",
    "unet.head_channels=4", "meanflow.derivative_precision=bf16",
)  # fmt: skip
"""Break the laws of which neither shipped recipe breaks one and a random configuration seldom does."""


VALIDATING = (
    ("training.early_stop_patience=5",),
    (
        "training.early_stop_patience=50",
        "training.epochs=20",
        "data.demo_subjects=4000",
        "training.validation_scans=400",
    ),
    ("data.split_ratios=[0.9,0.0,0.1]",),
)
"""Keep, and break, the laws of validation."""


@pytest.fixture(scope="module")
def drawn() -> list[Config]:
    """Configurations over the whole schema, drawn once for all laws, and three that break and keep every law."""
    found = [load_config(["recommended"]), load_config(["recommended"], ENDS), load_config(["failed_225"])]
    found += [load_config(["recommended"], ["training.validate_every_epochs=10", *more]) for more in VALIDATING]

    @settings(max_examples=2 * settings().max_examples)
    @given(configs(source="demo"))
    def collect(config: Config) -> None:
        found.append(config)

    collect()
    return found


def alone(config: Config, law_id: str) -> LawResult:
    """The gate's result of one law; the others are not asked."""
    sources = {key: f"source of {key}" for key in flat_config(config)}
    (result,) = static_findings(config, sources, {other: None for other in CHECKS if other != law_id})
    return result


def expected_status(law_id: str, finding: Any) -> str:
    """`info` for what passes and is worth reading, the finding's severity or else the law's for what does not pass."""
    if finding.passed:
        return "info" if finding.severity is Severity.INFO else "pass"
    return str((finding.severity or law(law_id).severity).value)


@pytest.mark.parametrize("law_id", [pytest.param(law_id, marks=pytest.mark.law(law_id)) for law_id in READINGS])
def test_a_law_is_asked_of_the_keys_that_it_is_about(drawn, law_id):
    """Status, number, bound, reason and remedy are those of the law's predicate on an independent formula."""
    for config in (config for config in drawn if law_id not in not_asked(flat_config(config))):
        result, reading = alone(config, law_id), READINGS[law_id]
        finding = law(law_id).predicate(**reading.arguments(flat_config(config)))
        assert (result.law_id, result.title, result.where) == (law_id, law(law_id).title, "static")
        assert result.status == expected_status(law_id, finding)
        assert result.value == (finding.value if isinstance(finding.value, str) else pytest.approx(finding.value))
        found = (result.bound, result.unit, result.detail, result.passing_value)
        assert found == (finding.bound, finding.unit, finding.detail, finding.passing_value)
        assert result.remedy == ("" if finding.passed else law(law_id).remedy)
        assert result.key == reading.key
        assert result.value_source == (f"source of {reading.key}" if reading.key else "")


@pytest.mark.law("LR-002")
def test_the_rate_is_compared_with_its_closed_form_at_a_step_of_the_run(drawn):
    """The multiplier at the named step is the equation's, for every schedule and length of warm-up."""
    check = CHECKS["LR-002"]
    for config in drawn:
        k = flat_config(config)
        facts = type("Facts", (), {"optimiser_steps": steps(k)})
        asked = check.arguments(config, facts)  # type: ignore[arg-type]
        assert asked.pop("multiplier") == pytest.approx(multiplier(k, asked["step"]), rel=1e-12, abs=1e-15)
        assert 0 <= asked.pop("step") < steps(k)
        ramp, schedule = k["training.warmup_steps"], k["training.lr_schedule"]
        assert asked == {"total_steps": steps(k), "warmup_steps": ramp, "schedule": schedule}
        assert alone(config, "LR-002").status == "pass"


TURNS = {
    "first": lambda ramp, total: 0, "second": lambda ramp, total: 1, "last of warm-up": lambda ramp, total: ramp - 1,
    "first after": lambda ramp, total: ramp, "second after": lambda ramp, total: ramp + 1,
    "middle": lambda ramp, total: total // 2, "last": lambda ramp, total: total - 1,
}  # fmt: skip
"""Steps at which a schedule can be off by one."""


@pytest.mark.law("LR-002")
@pytest.mark.parametrize("turn", TURNS)
def test_a_rate_that_is_wrong_at_one_turn_is_found(drawn, monkeypatch, turn):
    """Wherever a trainer's schedule is off, be it at one step, the gate blocks and names the step."""
    true = training_checks.lr_multiplier
    for config in drawn[:20]:
        k = flat_config(config)
        ramp, total = k["training.warmup_steps"], steps(k)
        wrong = TURNS[turn](ramp, total)
        if 0 <= wrong < total:
            monkeypatch.setattr(training_checks, "lr_multiplier", lambda s, *a, w=wrong: true(s, *a) + (s == w))
            result = alone(config, "LR-002")
            assert (result.status, result.detail.partition(":")[0]) == ("block", f"step {wrong}")


SCANS = st.lists(
    st.tuples(st.sampled_from(["pers_1", "pers_2", "ann", "bob", "cleo", "dan"]), st.booleans()), min_size=1
)


@pytest.mark.law("DATA-002")
@given(config=configs(source="folder"), listed=SCANS)
def test_a_users_scans_are_counted_by_person_and_by_guess(config, listed):
    """Several scans of one person are one subject; scans whose person is guessed are counted as scans."""
    how = {True: f"{GUESSED}, from its name", False: "by BIDS"}
    scans = [
        Scan(person, f"scan{number}", Path(f"{number}.nii"), subject_from=how[guess])
        for number, (person, guess) in enumerate(listed)
    ]
    asked, k = training_checks.split_arguments(config, scans), flat_config(config)
    people = {person for person, _ in listed}
    homes = set(split_subjects(people, k["data.split_ratios"], k["data.split_seed"]).values())
    shares = zip(("train", "validation", "test"), k["data.split_ratios"], strict=True)
    assert asked == {
        "shared_subjects": 0,
        "empty_splits": [name for name, share in shares if share > 0 and name not in homes],
        "unnamed_scans": [guess for _, guess in listed].count(True),
        "alike": alike_guesses(sorted({person for person, guess in listed if guess})) or (),
        "subjects": len(people),
    }


def test_every_static_law_is_asked_once_in_the_order_of_the_registry(drawn):
    """None is left out, none twice; and each has a formula here."""
    without = load_config(["recommended"], ["ema.decay=null"])
    for config in (*drawn, without):
        found = [result.law_id for result in static_findings(config, {})]
        assert found == [
            law_id for law_id in laws() if law_id in CHECKS and law_id not in not_asked(flat_config(config))
        ]
    assert not_asked(flat_config(without)) == {"EMA-001", "EMA-002", "VAL-001", "VAL-002", "VAL-003"}
    assert set(CHECKS) == {*READINGS, "LR-002"}


def test_the_configurations_make_both_answers_of_most_laws(drawn):
    """A comparison of readings that are always alike would show nothing."""
    results = [result for config in drawn for result in static_findings(config, {})]
    both = {law_id for law_id in CHECKS if len({found.status for found in results if found.law_id == law_id}) > 1}
    never = {"LR-001", "LR-002", "OBS-001", "CFG-001", "CFG-003", "WGT-003", "EMA-001", "DATA-002"}
    assert both >= set(CHECKS) - never
