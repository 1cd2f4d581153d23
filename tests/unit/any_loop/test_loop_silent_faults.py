"""Each silent fault of a torch loop, made on purpose; the loop without it is quiet."""

from __future__ import annotations

import copy
import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from neuromf.any_loop.guard import Guard
from neuromf.any_loop.silent.watching import watch_training
from neuromf.errors import InputError

DECAY = 0.9
"""So short that float32 shows every update of the average."""


class Bench:
    """A loop whose parts a test takes out or puts in twice."""

    def __init__(self, optimiser=torch.optim.Adam, **options):
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 8), nn.SiLU(), nn.BatchNorm1d(8), nn.Dropout(0.1), nn.Linear(8, 1))
        self.optimiser = optimiser(self.net.parameters(), lr=1e-2)
        self.ema = AveragedModel(self.net, multi_avg_fn=get_ema_multi_avg_fn(DECAY))
        self.guard = Guard()
        self.options = options
        self.rate = 1e-2
        self.watch = None

    def start(self):
        """Begin to watch."""
        self.watch = watch_training(self.net, self.optimiser, guard=self.guard, **self.options)
        return self

    def backward(self):
        """One batch."""
        x = torch.randn(16, 3)
        loss = (self.net(x) - x.sum(1, keepdim=True)).square().mean()
        loss.backward()
        return loss

    def clear(self):
        """As every loop must."""
        self.optimiser.zero_grad()

    def update(self):
        """The optimiser's step."""
        self.optimiser.step()

    def average(self):
        """Once a step."""
        self.ema.update_parameters(self.net)

    def run(self, steps=60):
        """Laws and rules in the order in which they are heard."""
        if self.watch is None:
            self.start()
        heard = []
        for _ in range(steps):
            self.clear()
            loss = self.backward()
            verdict = self.guard.step(loss, grad_norm=self.norm())
            heard += [(alarm.law, alarm.message) for alarm in verdict.fresh]
            self.update()
            self.average()
        return dict(heard)

    def norm(self):
        """Of the gradient."""
        found = [p.grad for p in self.net.parameters() if p.grad is not None]
        return nn.utils.get_total_norm(found)


@pytest.mark.law("EMA-001")
@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.SGD, torch.optim.RMSprop, torch.optim.Adagrad])
def test_a_loop_without_a_fault_is_quiet(kind):
    """With all that can be looked at."""
    bench = Bench(kind, decay=DECAY, lr=lambda step: 1e-2, clip=1e3)
    bench.options["ema"] = bench.ema
    assert bench.run() == {}


def test_gradients_that_are_not_cleared_are_told():
    """From the second step on (law OPT-003)."""
    bench = Bench()
    bench.clear = lambda: None
    heard = bench.run(4)
    assert set(heard) == {"OPT-003"}
    assert "6 parameters" in heard["OPT-003"]


@pytest.mark.parametrize("to_none", [True, False])
def test_gradients_that_are_cleared_late_are_cleared(to_none):
    """After the forward pass, to zeros or to nothing; micro-batches add up, as they should."""
    bench = Bench()
    bench.clear = lambda: None
    once = bench.backward

    def accumulate():
        bench.optimiser.zero_grad(set_to_none=to_none)
        once()
        return once()

    bench.backward = accumulate
    assert bench.run(20) == {}


@pytest.mark.law("OPT-003")
def test_a_gradient_that_is_only_asked_for_is_not_stale():
    """`torch.autograd.grad` between two steps adds to nothing."""
    bench = Bench()
    once = bench.backward

    def look_first():
        torch.autograd.grad(bench.net(torch.randn(16, 3)).mean(), list(bench.net.parameters()))
        bench.optimiser.zero_grad()
        return once()

    bench.clear, bench.backward = lambda: None, look_first
    assert bench.run(20) == {}


def test_a_parameter_that_the_optimiser_lacks_is_told_by_name():
    """At once (law OPT-002)."""
    bench = Bench()
    bench.optimiser = torch.optim.Adam(list(bench.net.parameters())[:-1], lr=1e-2)
    heard = bench.run(1)
    assert "1 not held" in heard["OPT-002"]
    assert "4.bias" in heard["OPT-002"]


def test_an_optimiser_of_another_network_is_told():
    """Made before the network was copied, moved or wrapped anew (law OPT-002)."""
    bench = Bench()
    bench.optimiser = torch.optim.Adam(copy.deepcopy(bench.net).parameters(), lr=1e-2)
    assert "6 not held" in bench.run(1)["OPT-002"]


def test_a_parameter_that_never_moves_is_told_by_name():
    """It has no gradient: nothing depends on it (law OPT-002)."""
    bench = Bench()
    bench.net.register_parameter("unused", nn.Parameter(torch.ones(2)))
    bench.average = lambda: None
    bench.optimiser = torch.optim.Adam(bench.net.parameters(), lr=1e-2)
    heard = bench.run(60)
    assert "unused" in heard["OPT-002"]
    assert "never moved in 50 steps" in heard["OPT-002"]


def test_a_parameter_that_may_stand_still_is_left_alone():
    """It is named as idle, or needs no gradient."""
    bench = Bench(idle=("unused",))
    bench.net.register_parameter("unused", nn.Parameter(torch.ones(2)))
    bench.average = lambda: None
    bench.net.register_parameter("fixed", nn.Parameter(torch.ones(2), requires_grad=False))
    bench.optimiser = torch.optim.Adam([p for n, p in bench.net.named_parameters() if n != "unused"], lr=1e-2)
    assert bench.run(60) == {}


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.SGD])
def test_a_parameter_that_its_gradient_does_not_move_is_told(kind):
    """Something puts it back (law OPT-002)."""
    bench = Bench(kind).start()
    weight = bench.net[0].weight
    kept = weight.detach().clone()
    # Before the look, which is the hook that was there first.
    bench.optimiser._optimizer_step_post_hooks.clear()
    bench.optimiser.register_step_post_hook(lambda *_: weight.data.copy_(kept))
    bench.optimiser.register_step_post_hook(lambda *_: bench.watch.after_step())
    assert "1 not moved" in bench.run(3)["OPT-002"]


def test_weights_too_coarse_for_their_steps_are_told():
    """bfloat16 has three digits: a step of a hundred-thousandth rounds to nothing (law OPT-002)."""
    bench = Bench()
    bench.net.bfloat16()
    bench.optimiser = torch.optim.Adam(bench.net.parameters(), lr=1e-5)
    with torch.no_grad():
        for parameter in bench.net.parameters():
            parameter.fill_(0.5)
    x = torch.randn(16, 3, dtype=torch.bfloat16)

    def backward():
        loss = (bench.net(x) - 1).square().mean()
        loss.backward()
        return loss

    bench.backward, bench.average = backward, lambda: None
    assert "not moved by their gradient" in bench.run(3)["OPT-002"]


def test_steps_that_move_nothing_are_told():
    """A rate of zero for ten steps, as a schedule that starts wrong gives (law OPT-004)."""
    bench = Bench()
    bench.optimiser.param_groups[0]["lr"] = 0.0
    heard = bench.run(12)
    assert "no weight moves" in heard["OPT-004"]
    other = Bench()
    other.optimiser.param_groups[0]["lr"] = 0.0  # the first step of a warm-up
    other.average = lambda: other.optimiser.param_groups[0].update(lr=1e-2)
    assert other.run(12) == {}


def test_a_loop_that_makes_no_step_is_told():
    """The optimiser is never called, or no longer (law OPT-004)."""
    bench = Bench()
    bench.update = lambda: None
    assert "the optimiser makes no step" in bench.run(230)["OPT-004"]
    later, count = Bench(), itertools.count()
    later.update = lambda: later.optimiser.step() if next(count) < 30 else None
    assert "the optimiser makes no step" in later.run(60)["OPT-004"]


def test_an_optimiser_that_counts_otherwise_is_told():
    """Two updates in what the loop takes for one (law OPT-004)."""
    bench = Bench()
    inner = bench.optimiser.step.__wrapped__  # without hooks

    class Twice(torch.optim.Adam):
        def step(self, closure=None):
            inner.__func__(self, closure) if hasattr(inner, "__func__") else inner(self, closure)
            return inner.__func__(self, closure) if hasattr(inner, "__func__") else inner(self, closure)

    bench.optimiser = Twice(bench.net.parameters(), lr=1e-2)
    assert "2 updates in the optimiser" in bench.run(5)["OPT-004"]


def test_weights_that_are_not_finite_stop_the_loop():
    """After the step that made them so, whatever the loss says (law NUM-001)."""
    bench = Bench()
    watched = bench.start().watch

    def update():
        bench.optimiser.param_groups[0]["lr"] = math.inf
        bench.optimiser.step()

    bench.update = update
    bench.clear()
    bench.guard.step(bench.backward())
    bench.update()
    verdict = bench.guard.step(1.0)
    assert verdict.stop
    assert "NUM-001" in verdict.laws
    assert "0.weight" in verdict.message
    watched.close()


@pytest.mark.parametrize("times", [0, 2, 8])
def test_an_average_that_is_not_updated_once_a_step_is_told(times):
    """Not at all, or once a micro-batch (law EMA-001)."""
    bench = Bench(decay=DECAY)
    bench.options["ema"] = bench.ema
    bench.average = lambda: [bench.ema.update_parameters(bench.net) for _ in range(times)]
    assert "EMA-001" in bench.run(10)


def test_an_average_that_goes_elsewhere_is_told():
    """Of another network, or towards the first weights (law EMA-001)."""
    other = Bench().net
    for decay in (DECAY, None):
        bench = Bench(decay=decay)
        bench.options["ema"] = bench.ema

        def elsewhere(bench=bench):
            with torch.no_grad():
                for parameter in other.parameters():
                    parameter.add_(0.5 * torch.randn_like(parameter))
            bench.ema.update_parameters(other)

        bench.average = elsewhere
        assert "EMA-001" in bench.run(12)


def test_averages_of_every_kind_are_understood():
    """A module, a mapping, a list, and what keeps one."""

    class Kept:
        def __init__(self, shadow_params):
            self.shadow_params = shadow_params

    for make in (
        copy.deepcopy,
        lambda net: {name: p.detach().clone() for name, p in net.named_parameters()},
        lambda net: [p.detach().clone() for p in net.parameters()],
        lambda net: Kept([p.detach().clone() for p in net.parameters()]),
    ):
        bench = Bench(decay=DECAY)
        bench.options["ema"] = bench.ema = make(bench.net)
        bench.average = lambda: None
        assert "EMA-001" in bench.run(5)


@pytest.mark.parametrize("ema", [3, {}, [torch.ones(2)], nn.Linear(1, 1)])
def test_what_is_no_average_is_refused(ema):
    """At once, with the kinds that are understood."""
    with pytest.raises(InputError, match="no average of this network"):
        Bench(ema=ema).start()


def test_what_is_no_optimiser_is_refused():
    """Nothing, or something else."""
    for other in (3, []):
        bench = Bench()
        bench.optimiser = other
        with pytest.raises(InputError, match="optimiser"):
            bench.start()


def test_a_clip_that_does_not_hold_is_told():
    """It comes after the step, or clips something else (law OPT-005)."""
    assert "OPT-005" in Bench(clip=1e-3).run(3)
    bench = Bench(clip=1e-3)
    once = bench.backward

    def clipped():
        loss = once()
        nn.utils.clip_grad_norm_(bench.net.parameters(), 1e-3)
        return loss

    bench.backward = clipped
    assert bench.run(20) == {}


def test_a_rate_off_its_schedule_is_told():
    """The scheduler is called once a micro-batch (law LR-002)."""
    bench = Bench(lr=lambda step: 1e-2 * 0.9**step)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(bench.optimiser, 0.9)
    bench.average = scheduler.step
    assert bench.run(60) == {}
    fast = Bench(lr=lambda step: 1e-2 * 0.9**step)
    often = torch.optim.lr_scheduler.ExponentialLR(fast.optimiser, 0.9)
    fast.average = lambda: [often.step() for _ in range(2)]
    assert "at update 1" in fast.run(5)["LR-002"]


def test_an_evaluation_that_changes_weights_is_told():
    """The average was copied in and not out again (law EMA-003)."""
    bench = Bench().start()
    with bench.watch.evaluation(), torch.no_grad():
        bench.net[0].weight.add_(1e-3)
    heard = bench.run(1)
    assert "0.weight" in heard["EMA-003"]


@pytest.mark.law("EMA-003")
def test_an_evaluation_that_changes_buffers_or_average_is_told():
    """Batch normalisation in training mode; an average that an evaluation updates (law EMA-003)."""
    bench = Bench(decay=DECAY)
    bench.options["ema"] = bench.ema
    bench.start()
    with bench.watch.evaluation(), torch.no_grad():
        bench.net(torch.randn(8, 3))
    assert "2.running_mean" in bench.run(1)["EMA-003"]
    other = Bench(decay=DECAY)
    other.options["ema"] = other.ema
    other.start()
    with other.watch.evaluation(), torch.no_grad():
        next(other.ema.parameters()).add_(1.0)
    assert "average 0" in other.run(1)["EMA-003"]


def test_an_evaluation_that_leaves_its_mode_is_told():
    """`eval()` without `train()`: dropout is off from then on."""
    bench = Bench().start()
    with bench.watch.evaluation():
        bench.net.eval()
    assert "in evaluation mode" in bench.run(1)["training mode"]
    good = Bench().start()
    with good.watch.evaluation(), torch.no_grad():
        good.net.eval()
        good.net(torch.randn(4, 3))
        good.net.train()
    assert good.run(1) == {}


def test_a_step_that_does_not_repeat_is_told():
    """With the same randomness of torch; another source of it is a fault or to be seeded (law NUM-002)."""
    bench = Bench().start()
    x = torch.randn(8, 3)
    assert bench.watch.repeats(lambda: bench.net(x).mean())
    before = torch.get_rng_state()
    count = itertools.count()
    assert not bench.watch.repeats(lambda: bench.net(x).mean() + next(count))
    assert torch.equal(before, torch.get_rng_state())
    verdict = bench.guard.step(1.0)
    assert verdict.laws == ("NUM-002",)
    assert verdict.stop


class Attends(nn.Module):
    """Self-attention and dropout by functions, which no `eval()` reaches."""

    def __init__(self, dropout, attention):
        super().__init__()
        self.dropout, self.attention = dropout, attention

    def forward(self, x):
        """Both, whatever the mode."""
        x = functional.dropout(x, self.dropout, True)
        return functional.scaled_dot_product_attention(x, x, x, dropout_p=self.attention)


@pytest.mark.parametrize(
    ("dropout", "attention", "count"), [(0.1, 0.0, 2), (0.0, 0.1, 2), (0.1, 0.1, 4), (0.0, 0.0, 0)]
)
def test_dropout_that_no_eval_switches_off_is_told(dropout, attention, count):
    """That of a function and that of an attention, in each pass of the evaluation (transformers-33844)."""
    bench = Bench().start()
    bench.net.append(Attends(dropout, attention))
    with bench.watch.evaluation(), torch.no_grad():
        bench.net[-1](torch.randn(1, 2, 4))  # in training mode, as it should
        bench.net.eval()
        for _ in range(2):
            bench.net[:4](torch.randn(4, 3))  # a layer of dropout heeds its mode
            bench.net[-1](torch.randn(1, 2, 4))
        bench.net.train()
    heard = bench.watch.take()
    assert [alarm.value for alarm in heard] == [f"{count} dropouts"] * (count > 0)


@pytest.mark.law("OPT-005")
@pytest.mark.parametrize(("scale", "told"), [(1024.0, True), (1.0, False)])
def test_a_clip_of_scaled_gradients_is_told(scale, told):
    """It holds, a thousand times too low (law OPT-005); one that is active at each step is as it should be."""
    bench = Bench(clip=1e-3)
    once = bench.backward

    def clipped():
        loss = once()
        for parameter in bench.net.parameters():
            parameter.grad *= scale
        nn.utils.clip_grad_norm_(bench.net.parameters(), 1e-3)
        for parameter in bench.net.parameters():
            parameter.grad /= scale
        return loss

    bench.backward = clipped
    heard = bench.run(8)
    assert ("OPT-005" in heard) == told
    assert not told or "it is clipped to that" in heard["OPT-005"]


def flat_at(steps, value=0.0):
    """A loop whose batches of some steps are one number all over."""
    bench, count = Bench(), itertools.count()

    def backward():
        x = torch.randn(16, 3) if next(count) not in steps else torch.full((16, 3), value)
        loss = (bench.net(x) - 1).square().mean()
        loss.backward()
        return loss

    bench.backward = backward
    return bench


@pytest.mark.parametrize("value", [0.0, -3.5])
def test_batches_that_arrive_empty_are_told_at_the_next_look(value):
    """Each of them, though only every fiftieth step is looked into."""
    assert "2 of 41 forward passes" in flat_at((17, 23), value).run(53)["flat input"]


def test_an_input_that_never_varied_is_meant_to_be_flat():
    """A constant that is given on purpose, or a first pass with zeros that only builds the network."""
    assert "flat input" not in flat_at(range(60)).run(60)
    assert "flat input" not in flat_at((0,)).run(60)


def test_an_input_is_flat_where_all_of_it_is():
    """A mask of zeros beside data is none, nor are the times of a batch, which may be equal."""

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(3, 1)

        def forward(self, x, mask, t):
            return self.inner(x + mask) + t[:, None]

    bench = Bench()
    bench.net = Two()
    bench.optimiser = torch.optim.Adam(bench.net.parameters(), lr=1e-2)
    bench.average = lambda: None

    count = itertools.count()

    def backward():
        x, mask = torch.randn(16, 3), (torch.randn(16, 3) if next(count) == 0 else torch.zeros(16, 3))
        loss = (bench.net(x, mask=mask, t=torch.ones(16)) - x.sum(1, keepdim=True)).square().mean()
        loss.backward()
        return loss

    bench.backward = backward
    assert bench.run(60) == {}


def test_an_input_inside_a_derivative_is_left_alone():
    """Its numbers cannot be read there."""
    bench = Bench()
    bench.net = nn.Sequential(nn.Linear(3, 8), nn.SiLU(), nn.Linear(8, 1))
    bench.optimiser = torch.optim.Adam(bench.net.parameters(), lr=1e-2)
    bench.average = lambda: None

    def backward():
        x = torch.zeros(16, 3)
        loss = torch.func.jvp(bench.net, (x,), (torch.ones_like(x),))[1].square().mean() + bench.net(x + 1).mean()
        loss.backward()
        return loss

    bench.backward = backward
    assert bench.run(12) == {}


def test_faults_between_judged_steps_wait_for_the_next():
    """The first ten steps and each fiftieth are looked at: a fault of step 20 is heard at 50."""
    bench, count = Bench(), itertools.count()
    bench.clear = lambda: bench.optimiser.zero_grad() if next(count) < 20 else None
    bench.start()
    heard = []
    for step in range(53):
        bench.clear()
        verdict = bench.guard.step(bench.backward())
        heard += [step] * bool(verdict.fresh)
        bench.update()
    assert heard == [51]


def test_without_a_guard_the_fault_is_logged_once(caplog):
    """At the level of a warning, with law and parameters."""
    bench = Bench()
    watch = watch_training(bench.net, bench.optimiser)
    for _ in range(5):
        bench.backward()
        bench.optimiser.step()
    said = [record.getMessage() for record in caplog.records if record.name == "neuromf"]
    assert len(said) == 1
    assert "OPT-003" in said[0]
    assert {alarm.law for alarm in watch.take()} == {"OPT-003"}


def test_a_watch_that_goes_on_counts_on():
    """The schedule is held against the number of the update of the whole run, and what was told is known."""
    bench = Bench(lr=lambda step: 1e-2 * 0.9**step)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(bench.optimiser, 0.9)
    bench.average = scheduler.step
    assert bench.run(7) == {}
    state = bench.guard.state_dict()
    for load_first in (True, False):
        other = Bench(lr=lambda step: 1e-2 * 0.9**step)
        other.optimiser.load_state_dict(bench.optimiser.state_dict())
        other.average = torch.optim.lr_scheduler.ExponentialLR(other.optimiser, 0.9, last_epoch=6).step
        for group in other.optimiser.param_groups:
            group["lr"] = 1e-2 * 0.9**7
        if load_first:
            other.guard.load_state_dict(state)
        other.start()
        if not load_first:
            other.guard.load_state_dict(state)
        assert other.run(5) == {}


def test_a_watch_that_is_closed_looks_no_longer():
    """The optimiser and the parameters keep no hook."""
    bench = Bench().start()
    bench.watch.close()
    bench.clear = lambda: None
    assert bench.run(5) == {}
