"""The callbacks of Lightning and transformers, called by small stand-ins with the same hooks.

Neither library is in this environment. The stand-ins have the attributes and call the hooks in the order of Lightning
2.6 and transformers 5.24, with which both callbacks were run: trained, stopped by NaN, resumed from a checkpoint.
"""

from __future__ import annotations

import importlib
import json
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import nn

from neuromf.errors import InputError
from neuromf.trace.reader import read_trace
from neuromf.watch.status import RunState
from neuromf.watch.watcher import Watcher


def module_of(monkeypatch, library, base):
    """Our module, with a stand-in for the library that holds this base class alone."""
    for name in ("lightning", "lightning.pytorch", "pytorch_lightning", "transformers"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    kind = type(base, (), {"__init__": lambda self: None})
    target = "lightning.pytorch" if library == "lightning" else library
    setattr(sys.modules[target], base, kind)
    name = f"neuromf.integrations.{library}"
    monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module(name)


@pytest.fixture
def lightning(monkeypatch):
    return module_of(monkeypatch, "lightning", "Callback")


@pytest.fixture
def transformers(monkeypatch):
    return module_of(monkeypatch, "transformers", "TrainerCallback")


class FitLoop:
    """Lightning's `Trainer.fit`, as far as a callback sees it."""

    def __init__(self, callback, *, broken_at=None, accumulate=1, swap=False):
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 8), nn.SiLU(), nn.Linear(8, 1))
        self.optimizers = [torch.optim.Adam(self.net.parameters(), 1e-2)]
        self.world_size, self.global_step, self.sanity_checking, self.should_stop = 1, 0, False, False
        self.accumulate_grad_batches = accumulate
        self._callback, self._broken_at, self._swap = callback, broken_at, swap

    def fit(self, batches):
        """Train on so many batches, then validate."""
        call, optimiser = self._callback, self.optimizers[0]
        call.on_train_start(self, self.net)
        for index in range(batches):
            loss = self._batch(index)
            if (index + 1) % self.accumulate_grad_batches == 0:
                call.on_before_optimizer_step(self, self.net, optimiser)
                optimiser.step()
                optimiser.zero_grad()
                self.global_step += 1
            call.on_train_batch_end(self, self.net, {"loss": loss, "raw": 2 * loss}, None, index)
            if self.should_stop:
                break
        call.on_validation_start(self, self.net)
        if self._swap:
            nn.init.zeros_(self.net[0].weight)
        call.on_validation_end(self, self.net)
        call.on_train_end(self, self.net)
        return self

    def _batch(self, index):
        x = torch.randn(8, 3)
        loss = (self.net(x) - x.sum(1, keepdim=True)).square().mean() / self.accumulate_grad_batches
        loss = loss * float("nan") if index == self._broken_at else loss
        loss.backward()
        return loss.detach()


def test_lightning_is_guarded_and_recorded(tmp_path, lightning):
    """Loss, raw loss, gradient, rate and its own step of each batch."""
    callback = lightning.GuardCallback(tmp_path / "run", raw="raw")
    assert not FitLoop(callback).fit(30).should_stop
    table = read_trace(tmp_path / "run" / "trace.csv")
    assert len(table) == 30
    assert table["raw_total"].tolist() == pytest.approx((2 * table["weighted"]).tolist(), rel=1e-6)
    assert (table["grad_norm"] > 0).all()
    assert table["global_step"].tolist() == list(range(1, 31))
    assert Watcher(tmp_path / "run").look().status.state is RunState.FINISHED


def test_lightning_is_stopped(tmp_path, lightning, caplog):
    """At the batch whose loss is not finite, and told why."""
    callback = lightning.GuardCallback(tmp_path / "run")
    trainer = FitLoop(callback, broken_at=12).fit(30)
    assert (trainer.should_stop, trainer.global_step) == (True, 13)
    assert callback.verdict.laws == ("NUM-001",)
    assert "stop at step 12, NUM-001" in caplog.text


@pytest.mark.law("OBS-001")
def test_lightnings_loss_is_that_of_a_batch_again(tmp_path, lightning):
    """It hands it over divided by the batches that it accumulates over."""
    means = []
    for accumulate in (1, 4):
        callback = lightning.GuardCallback(tmp_path / f"run{accumulate}")
        FitLoop(callback, accumulate=accumulate).fit(1)
        means.append(read_trace(tmp_path / f"run{accumulate}" / "trace.csv")["raw_total"][0])
    assert means[0] == pytest.approx(means[1], rel=1e-6)


def test_a_batch_of_lightning_without_a_loss_is_no_step(lightning):
    """The module skipped it: it returned None, or a mapping without a loss."""
    callback = lightning.GuardCallback()
    trainer = FitLoop(callback)
    callback.on_train_start(trainer, trainer.net)
    for outputs in (None, {"loss": None}, {"raw": torch.ones(())}):
        callback.on_train_batch_end(trainer, trainer.net, outputs, None, 0)
    assert callback.verdict is None


def test_options_of_a_callback_are_those_of_its_guard(lightning):
    """Bounds that the guard refuses are refused as the training begins."""
    trainer = FitLoop(callback := lightning.GuardCallback(warn_ratio=5.0, halt_ratio=2.0))
    with pytest.raises(InputError, match="halt"):
        callback.on_train_start(trainer, trainer.net)


def test_lightning_goes_on_with_its_checkpoint(tmp_path, lightning):
    """The state is part of it, and the record goes on."""
    callback = lightning.GuardCallback(tmp_path / "run")
    FitLoop(callback).fit(10)
    state = json.loads(json.dumps(callback.state_dict()))
    again = lightning.GuardCallback(tmp_path / "run")
    again.load_state_dict(state)
    assert again.state_dict() == state
    FitLoop(again).fit(5)
    assert len(read_trace(tmp_path / "run" / "trace.csv")) == 15


def test_a_validation_of_lightning_that_changes_weights_is_told(tmp_path, lightning):
    """It is heard at the next step, or in what the watch has found (law EMA-003)."""
    callback = lightning.GuardCallback()
    FitLoop(callback, swap=True).fit(3)
    assert "EMA-003" in {alarm.law for alarm in callback.watch.take()}
    quiet = lightning.GuardCallback()
    FitLoop(quiet).fit(3)
    assert quiet.watch.take() == []


class TrainLoop:
    """transformers' `Trainer.train`, as far as a callback sees it."""

    def __init__(self, callback, folder, *, first=0, broken_at=None):
        torch.manual_seed(0)
        self.args = SimpleNamespace(output_dir=str(folder), world_size=1, fsdp=[], deepspeed=None)
        self.state = SimpleNamespace(global_step=first, is_world_process_zero=True)
        self.control = SimpleNamespace(should_training_stop=False)
        self._callback, self._broken_at = callback, broken_at
        self._common = (self.args, self.state, self.control)

    def train(self, steps, save_at=()):
        """Train on to a step, saving on the way."""
        net = nn.Linear(3, 1)
        optimiser = torch.optim.Adam(net.parameters(), 1e-2)
        self._callback.on_train_begin(*self._common, model=net, optimizer=optimiser)
        while self.state.global_step < steps and not self.control.should_training_stop:
            loss = net(torch.randn(8, 3)).square().mean()
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
            self.state.global_step += 1
            norm = float("nan") if self.state.global_step == self._broken_at else 1.0
            logs = {"loss": float(loss.detach()), "grad_norm": norm, "learning_rate": 1e-2, "epoch": 0.1}
            logs["raw"] = 2 * logs["loss"]
            self._callback.on_log(*self._common, logs=logs)
            self._callback.on_log(*self._common, logs={"eval_loss": 1.0})
            if self.state.global_step in save_at:
                self._callback.on_save(*self._common)
        self._callback.on_train_end(*self._common)
        return self


def test_transformers_is_guarded_and_recorded(tmp_path, transformers):
    """Each log of steps is one of the guard, a log of an evaluation none."""
    callback = transformers.GuardCallback(tmp_path / "run")
    assert not TrainLoop(callback, tmp_path).train(20).control.should_training_stop
    table = read_trace(tmp_path / "run" / "trace.csv")
    assert table["global_step"].tolist() == list(range(1, 21))
    assert (table["lr"] == 1e-2).all()


def test_transformers_is_stopped(tmp_path, transformers, caplog):
    """Also where the trainer hides a loss that is not finite: the gradient's norm shows it."""
    callback = transformers.GuardCallback()
    trainer = TrainLoop(callback, tmp_path, broken_at=7).train(20)
    assert (trainer.control.should_training_stop, trainer.state.global_step) == (True, 7)
    assert "global step 7" in caplog.text


def test_transformers_goes_on_with_its_checkpoint(tmp_path, transformers):
    """The guard's state lies in it; one that was saved without a guard is refused."""
    (tmp_path / "checkpoint-10").mkdir()
    TrainLoop(transformers.GuardCallback(tmp_path / "run"), tmp_path).train(14, save_at=(10,))
    TrainLoop(transformers.GuardCallback(tmp_path / "run"), tmp_path, first=10).train(25)
    assert len(read_trace(tmp_path / "run" / "trace.csv")) == 25
    with pytest.raises(InputError, match="checkpoint-12"):
        TrainLoop(transformers.GuardCallback(tmp_path / "run"), tmp_path, first=12).train(25)


def test_the_raw_loss_that_transformers_logs_is_judged(tmp_path, transformers):
    """By the name that the callback was given; without a name there is none besides the trainer's own."""
    judged = []
    for raw in (None, "raw"):
        TrainLoop(transformers.GuardCallback(tmp_path / str(raw), raw=raw), tmp_path).train(5)
        judged.append(read_trace(tmp_path / str(raw) / "trace.csv")["raw_total"])
    assert judged[1].tolist() == pytest.approx((2 * judged[0]).tolist())


def test_the_guards_state_is_saved_once_into_a_checkpoint(tmp_path, transformers):
    """By the first process alone, once the training has begun, into a checkpoint that is there."""
    trainer = TrainLoop(callback := transformers.GuardCallback(), tmp_path)
    state = tmp_path / "checkpoint-0" / transformers.STATE_FILE
    state.parent.mkdir()
    callback.on_save(trainer.args, trainer.state, trainer.control)
    assert not state.exists()
    callback.on_train_begin(trainer.args, trainer.state, trainer.control)
    trainer.state.is_world_process_zero = False
    callback.on_save(trainer.args, trainer.state, trainer.control)
    assert not state.exists()
    trainer.state.is_world_process_zero = True
    callback.on_save(trainer.args, trainer.state, trainer.control)
    assert state.exists()
    trainer.state.global_step = 1
    callback.on_save(trainer.args, trainer.state, trainer.control)
    assert not (tmp_path / "checkpoint-1").exists()


@pytest.mark.parametrize(
    ("world", "own", "replicas"),
    [
        (1, {"fsdp": [], "deepspeed": None}, False),
        (2, {"fsdp": [], "deepspeed": None}, True),
        (2, {}, True),
        (2, {"fsdp": ["full_shard"], "deepspeed": None}, False),
        (2, {"fsdp": [], "deepspeed": "zero3.json"}, False),
    ],
)
def test_replicas_are_compared_where_each_process_holds_one(tmp_path, transformers, monkeypatch, world, own, replicas):
    """One process has no other, and those of FSDP and DeepSpeed hold parts of the weights."""
    told = []
    watch = "neuromf.integrations.guarded_training.watch_training"
    monkeypatch.setattr(watch, lambda *parts, over_ranks, **options: told.append(over_ranks))
    trainer = TrainLoop(callback := transformers.GuardCallback(), tmp_path)
    args = SimpleNamespace(output_dir=str(tmp_path), world_size=world, **own)
    callback.on_train_begin(args, trainer.state, trainer.control, model=nn.Linear(1, 1), optimizer=object())
    assert told == [replicas]


def test_our_other_modules_import_neither_library():
    """They are optional: each is imported in its own module alone."""
    importlib.import_module("neuromf.any_loop.silent.watching")
    assert not {"lightning", "pytorch_lightning", "transformers"} & sys.modules.keys()
