"""What the laws ask of facts, and what they do where facts are not known."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from neuromf_spec.registry import laws

from neuromf.config import load_config
from neuromf.config.recipe_files import recipe_names
from neuromf.facts.laws import FACT_LAWS
from neuromf.facts.of_config import CONFIG_KEYS, facts_of
from neuromf.facts.read import FactsFile
from neuromf.facts.schema import Facts
from neuromf.gate.facts_verdict import judge_facts
from neuromf.gate.static import static_findings
from tests.unit.facts import drawn

OPTIONAL = {
    "TIME-004": {"target_clamped", "r_mu", "r_sigma"},
    "TIME-005": {"batch_size", "optimiser_steps", "data_proportion", "r_mu", "r_sigma"},
    "WGT-005": {"r_mu", "r_sigma"},
    "JVP-003": {"mu", "sigma", "uniform_fraction", "data_proportion", "sampler_t_min", "r_mu", "r_sigma"},
    "JVP-005": {"tangent_limit", "qk_norm"},
    "PRED-003": {"token_dims", "token_width"},
    "PREC-001": {"loss_precision"},
    "OPT-006": {"warmup_steps", "lr_schedule", "initialised_from"},
}
"""Facts that a law makes use of where they are known, and stands without."""
COUNTED_BY_OURS = {"BATCH-001", "TIME-002"}
"""Laws that our own gate tells of micro-batches and epochs too, which are no facts."""


class Tracked:
    """Facts that write down which of them are read."""

    def __init__(self, facts):
        self._facts, self.read = facts, set()

    def __getattr__(self, name):
        if name in Facts.model_fields:
            self.read.add(name)
        return getattr(self._facts, name)


def facts_from(tree):
    return Facts.model_validate_json(json.dumps(tree))


def judged(tree):
    return judge_facts(FactsFile(name="drawn", facts=facts_from(tree), origin=dict.fromkeys(tree, "drawn")))


@pytest.mark.parametrize("recipe", recipe_names())
def test_facts_and_the_static_gate_agree_on_a_recipe(recipe):
    """What the laws say of a recipe's facts is what the static gate says of the recipe."""
    config = load_config(recipe)
    ours = {result.law_id: (result.status, result.value, result.bound) for result in static_findings(config, {})}
    facts = facts_of(config)
    tree = facts.model_dump(exclude_unset=True)
    verdict = judge_facts(FactsFile(name=recipe, facts=facts, origin=dict.fromkeys(tree, recipe)))
    assert verdict.not_judged == {}
    found = {result.law_id: (result.status, result.value, result.bound) for result in verdict.results}
    assert {law_id: ours[law_id] for law_id in found if law_id not in COUNTED_BY_OURS} == {
        law_id: value for law_id, value in found.items() if law_id not in COUNTED_BY_OURS
    }
    assert {law_id: ours[law_id][1] for law_id in COUNTED_BY_OURS} == {
        law_id: found[law_id][1] for law_id in COUNTED_BY_OURS
    }


def test_every_fact_of_a_recipe_is_known():
    """Of our own configurations every fact is known but a distribution of r, which they have not."""
    facts = facts_of(load_config("recommended"))
    missing = {name for name in Facts.model_fields if not facts.given(name)}
    assert missing == {"difference_step", "r_mu", "r_sigma"}


def test_every_law_of_facts_is_a_law_about_a_fact():
    """Each entry names a registered law and a fact of the schema, and so does each key of our own configuration."""
    assert set(FACT_LAWS) <= set(laws())
    assert {entry.fact for entry in FACT_LAWS.values()} | set(CONFIG_KEYS) <= set(Facts.model_fields)


@given(tree=drawn.alike())
@settings(max_examples=60, deadline=None)
def test_a_law_reads_what_it_needs(tree):
    """No law reads a fact that it neither needs nor can do without, and none needs a fact that it does not read."""
    facts = facts_from(tree)
    for law_id, entry in FACT_LAWS.items():
        if not entry.applies(facts):
            continue
        tracked, needed = Tracked(facts), set(entry.needs(facts))
        entry.arguments(tracked)
        assert needed <= tracked.read, law_id
        assert tracked.read - needed <= OPTIONAL.get(law_id, set()), law_id


@given(tree=drawn.alike(), name=st.sampled_from(sorted(Facts.model_fields)))
@settings(max_examples=60, deadline=None)
def test_a_law_without_a_fact_it_needs_is_not_judged(tree, name):
    """Of all that is known one fact is left out: the laws that need it name it, the others judge as before."""
    before = judged(tree)
    after = judged({key: value for key, value in tree.items() if key != name})
    assert before.not_judged == {}
    needing = {law_id for law_id, entry in FACT_LAWS.items() if name in entry.needs(facts_from(tree))}
    assert {law_id for law_id, missing in after.not_judged.items() if name in missing} == needing
    optional = {law_id for law_id, names in OPTIONAL.items() if name in names}
    same = {result.law_id for result in before.results} - needing - optional
    kept = [{r.law_id: r for r in verdict.results if r.law_id in same} for verdict in (before, after)]
    assert {law_id: result.value for law_id, result in kept[0].items()} == {
        law_id: result.value for law_id, result in kept[1].items()
    }


@given(tree=drawn.some())
@example(tree={"data_proportion": 5e-324, "batch_size": 1})
@example(tree={"derivative": "forward", "difference_step": 1e-3, "time_scale": 1.0, "derivative_precision": "fp64"})
@settings(max_examples=200, deadline=None)
def test_no_facts_end_in_an_error(tree):
    """Whatever is known, each law is judged, not judged or has nothing to say, and the verdict is JSON."""
    verdict = judged(tree)
    told = {result.law_id for result in verdict.results}
    assert told.isdisjoint(verdict.not_judged)
    silent = set(FACT_LAWS) - told - set(verdict.not_judged)
    assert silent <= {"WGT-005", "EMA-002"}
    assert json.loads(verdict.to_json())["status"] == verdict.status


PAIRED = {"TIME-004", "TIME-005", "JVP-003", "WGT-005"}
"""Laws that integrate over the distribution of (r, t)."""
BIASED = {
    **{"prediction": "x", "clamp_t_min": 0.05, "sampler_t_min": 0.001, "target_clamped": False},
    **{"mu": -0.4, "sigma": 1.0, "uniform_fraction": 0.0, "data_proportion": 0.75},
    **{"derivative": "forward", "difference_step": 1e-3, "time_scale": 1.0, "derivative_precision": "fp32"},
    **{"norm_p": 1.0, "norm_eps": 1.0, "reduction": "mean"},
}


@pytest.mark.parametrize(
    ("other", "lacks"),
    [
        ({"r_mu": -4.0}, ["r_sigma", "time_order"]),
        ({"r_sigma": 2.0}, ["r_mu", "time_order"]),
        ({"r_mu": -4.0, "r_sigma": 2.0}, ["time_order"]),
        ({"r_mu": -4.0, "time_order": "sorted"}, ["r_sigma"]),
        ({"time_order": "clipped"}, ["integrals over an r that is cut down to t"]),
        ({"r_mu": -4.0, "r_sigma": 2.0, "time_order": "clipped"}, ["integrals over an r that is cut down to t"]),
    ],
)
def test_no_law_takes_another_pair_for_a_sorted_one(other, lacks):
    """Where r is cut to t, or not all is known of a second distribution, laws that integrate over both say so."""
    assert PAIRED.isdisjoint(judged(BIASED).not_judged)
    verdict = judged(BIASED | other)
    assert {law_id for law_id, missing in verdict.not_judged.items() if missing == lacks} == PAIRED
    assert PAIRED.isdisjoint(result.law_id for result in verdict.results)


def test_a_sorted_pair_of_two_distributions_is_judged_by_both():
    """Known whole, it is judged, and its second distribution changes what each of these laws is asked."""
    plain = facts_from(BIASED)
    sorted_pair = facts_from(BIASED | {"r_mu": -4.0, "r_sigma": 2.0, "time_order": "sorted"})
    for law_id in PAIRED:
        entry = FACT_LAWS[law_id]
        assert entry.missing(sorted_pair) == []
        assert entry.arguments(sorted_pair) != entry.arguments(plain)


def test_a_second_distribution_of_ours_is_known_whole():
    """A configuration that gives one of its two numbers takes the other from the first distribution."""
    facts = facts_of(load_config("recommended", ["time_sampling.r_mu=-3.0"]))
    assert (facts.r_mu, facts.r_sigma) == (-3.0, facts.sigma)
    assert facts.pair_lacks == []


def test_every_law_that_integrates_over_pairs_says_so():
    """The laws above are all whose arguments change with the distribution of the logits."""
    moved = BIASED | {"mu": 1.5, "sigma": 0.3, "batch_size": 256, "optimiser_steps": 10_000}
    still = moved | {"mu": -0.4, "sigma": 1.0}
    asked = [{law_id: entry.arguments(facts_from(tree)) for law_id, entry in FACT_LAWS.items()
              if not entry.missing(facts_from(tree))} for tree in (moved, still)]  # fmt: skip
    assert {law_id for law_id, arguments in asked[0].items() if arguments != asked[1][law_id]} == PAIRED


@pytest.mark.parametrize("same", [{"r_mu": -0.4, "r_sigma": 1.0}, {"r_mu": -0.4}, {"time_order": "sorted"}])
def test_a_second_distribution_that_is_the_first_one_is_one(same):
    """Facts that give r the distribution of t are judged as if they gave none."""
    assert PAIRED.isdisjoint(judged(BIASED | same).not_judged)


def test_what_would_pass_is_not_what_is_so_already():
    """A law whose advice is followed already gives none: an exact derivative is not told to be exact."""
    tree = {"derivative": "exact", "derivative_precision": "bf16"}
    (result,) = [result for result in judged(tree).results if result.law_id == "PREC-001"]
    assert (result.status, "would pass" in result.remedy) == ("info", False)


def test_a_run_without_an_average_needs_no_updates_for_it():
    """Null says that no average is kept, so that EMA-002 has nothing to say; left out, it is not judged."""
    assert "EMA-002" not in judged({"ema_decay": None}).not_judged
    assert judged({"norm_p": 1.0}).not_judged["EMA-002"] == ["ema_decay", "optimiser_steps"]
