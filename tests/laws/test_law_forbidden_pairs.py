"""The table of forbidden pairs: each pair is refused together, each option is allowed alone, each reason is real."""

import pytest
import torch
from neuromf_spec.laws.forbidden_pairs import FORBIDDEN_PAIRS
from neuromf_spec.reference.adam import adamw
from neuromf_spec.registry import law
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from neuromf.config import load_config
from neuromf.errors import InputError
from neuromf.flow.objective import meanflow_objective
from neuromf.gate.static import static_findings
from neuromf.training.process_group.start import init_process_group
from neuromf.training.validation import impossible, refuse_impossible
from tests.support.law_strategies import draw_batch, in_type, randomised_unet, relative_error, settings_for

pytestmark = [pytest.mark.law("CFG-002"), pytest.mark.law("JVP-004")]
FUSED_TOLERANCE = 2e-5
"""float32 sums in another order; measured 1.6e-6."""
CASES = {
    # The two sides of each pair, as overrides of `recommended`.
    ("meanflow.jvp", "training.activation_checkpointing"): ((), ("training.activation_checkpointing=reentrant",)),
    ("meanflow.jvp", "training.ddp_static_graph"): ((), ("training.ddp_static_graph=true",)),
    ("training.optimiser", "training.weight_decay"): (("training.optimiser=adam",), ("training.weight_decay=0.1",)),
    ("training.warmup_steps", "training.epochs"): (("training.warmup_steps=1000",), ("training.epochs=100",)),
    ("unet.resblock_updown", "training.deterministic"): (("unet.resblock_updown=true",), ()),
}
PAIRS = pytest.mark.parametrize("pair", FORBIDDEN_PAIRS, ids=lambda pair: pair.name)


def results(overrides):
    return {result.law_id: result for result in static_findings(load_config(["recommended"], overrides), {})}


@PAIRS
def test_the_gate_blocks_the_pair_with_its_reason(pair):
    """Both options together are blocked by CFG-002, or warned of, with the reason."""
    first, second = CASES[pair.keys]
    result = results([*first, *second])["CFG-002"]
    assert result.status == pair.severity.value
    assert pair.name in result.value
    assert pair.reason in result.detail


@PAIRS
def test_the_law_between_the_two_options_falls_too(pair):
    """The law that the table names for the pair is broken by it."""
    first, second = CASES[pair.keys]
    assert results([*first, *second])[pair.law].status == pair.severity.value


@PAIRS
def test_either_option_alone_is_no_forbidden_pair(pair):
    """One side of the pair on the recommended configuration passes, unless that configuration is the other side."""
    for side, other in zip(CASES[pair.keys], reversed(CASES[pair.keys]), strict=True):
        if side and other:
            assert results(side)["CFG-002"].status == "pass"


@PAIRS
def test_the_named_remedy_parts_the_pair(pair):
    """Typing what the gate suggests ends in a pass of CFG-002."""
    first, second = CASES[pair.keys]
    broken = results([*first, *second])["CFG-002"]
    assert results([*first, *second, *broken.passing_value.split()])["CFG-002"].status == "pass"


def test_every_option_that_the_table_names_is_a_key():
    """The cases above cover the whole table."""
    assert {pair.keys for pair in FORBIDDEN_PAIRS} == set(CASES)


@pytest.mark.parametrize("pair", [pair for pair in FORBIDDEN_PAIRS if pair.impossible], ids=lambda pair: pair.name)
def test_the_trainer_refuses_what_torch_cannot_run(pair):
    """A pair that torch cannot run ends a training in one sentence with key, law and remedy."""
    first, second = CASES[pair.keys]
    config = load_config(["recommended"], [*first, *second])
    with pytest.raises(InputError) as caught:
        refuse_impossible(config)
    assert caught.value.key == pair.keys[1]
    assert pair.law in caught.value.problem
    assert pair.passing_value in caught.value.remedy


def test_the_exact_derivative_bears_fused_attention():
    """With fused attention V and every gradient are those of plain attention, which torch alone would not allow."""
    batch, results = float_batch(), []
    for fused in (False, True):
        net = randomised_unet(0, randomised_settings(flash_attention=fused))
        objective = meanflow_objective(net, batch, settings_for())
        objective.weighted_B.sum().backward()
        results.append((objective.derivative.dudt, torch.cat([p.grad.flatten() for p in net.parameters()])))
    for plain, fused in zip(*results, strict=True):
        assert 0 < relative_error(fused, plain) < FUSED_TOLERANCE
    heads = torch.ones(1, 2, 16, 8)
    with pytest.raises(NotImplementedError, match="forward AD"):
        torch.func.jvp(lambda q: torch.nn.functional.scaled_dot_product_attention(q, q, q), (heads,), (heads,))


@pytest.mark.parametrize(("reentrant", "error"), [(True, RuntimeError), (False, None)])
def test_a_reentrant_checkpoint_raises_under_a_derivative(reentrant, error):
    """Forward mode through a reentrant checkpoint raises; through the other kind it runs."""
    weight = torch.ones(3, requires_grad=True)

    def field(x):
        return torch.utils.checkpoint.checkpoint(lambda y: (weight * y).sin(), x, use_reentrant=reentrant)

    def derivative():
        with torch.no_grad():
            return torch.func.jvp(field, (torch.zeros(3),), (torch.ones(3),))[1]

    if error is None:
        assert torch.equal(derivative(), torch.ones(3))
    else:
        with pytest.raises(error):
            derivative()


def test_a_static_graph_raises_under_a_derivative(tmp_path):
    """Forward mode through DDP with a static graph raises; through the model inside the wrapper it runs."""
    store = distributed.FileStore(str(tmp_path / "store"), 1)
    with init_process_group("gloo", store=store, rank=0, world_size=1):
        model = torch.nn.Linear(3, 3)
        wrapped = DistributedDataParallel(model, static_graph=True)
        point, along = torch.zeros(1, 3), torch.ones(1, 3)
        with pytest.raises(RuntimeError):
            torch.func.jvp(wrapped, (point,), (along,))
        with torch.no_grad():
            assert torch.func.jvp(model, (point,), (along,))[1].shape == (1, 3)


def test_adam_couples_the_decay_to_the_gradient():
    """A weight with a gradient 1,000 times larger decays as fast under AdamW and 1,000 times less under Adam."""

    def decayed(kind):
        lost = []
        for size in (1e-3, 1.0):
            weights = [torch.ones(1, dtype=torch.float64, requires_grad=True) for _ in range(2)]
            for weight, decay in zip(weights, (0.0, 1e-4), strict=True):
                optimiser = kind([weight], lr=1e-3, weight_decay=decay)
                for step in range(20):
                    weight.grad = torch.full((1,), size * (-1.0) ** step, dtype=torch.float64)
                    optimiser.step()
            lost.append(float((weights[0] - weights[1]).detach()))
        return lost[0] / lost[1]

    assert decayed(torch.optim.AdamW) == pytest.approx(1.0, rel=1e-2)
    assert decayed(torch.optim.Adam) > 100


def test_decoupled_decay_of_an_idle_weight_is_the_references():
    """Without a gradient AdamW shrinks a weight by (1 - lr wd) a step, as the reference does."""
    start = torch.ones(1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.AdamW([start], lr=0.1, weight_decay=0.1)
    for _ in range(3):
        start.grad = torch.zeros(1, dtype=torch.float64)
        optimiser.step()
    idle = [start.detach().numpy() * 0] * 3
    options = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.1}
    expected = adamw(start.detach().numpy() * 0 + 1, idle, [0.1] * 3, **options)[-1]
    assert float(start.detach()[0]) == pytest.approx(float(expected[0]), rel=1e-14)


def test_the_recommended_configuration_is_possible():
    """Nothing is refused where nothing is wrong, and the law says so."""
    assert impossible(load_config(["recommended"])) == []
    assert law("CFG-002").predicate(**law("CFG-002").example).passed


def randomised_settings(**changes):
    from tests.support.law_strategies import TINY_UNET

    return TINY_UNET.model_copy(update=changes)


def float_batch():
    batch = draw_batch(0, 2, fm="no", shape=(4, 4, 4, 4))
    return in_type(batch, torch.float32)
