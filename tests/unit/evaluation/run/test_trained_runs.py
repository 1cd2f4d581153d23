"""Runs that were really trained: one that memorised its two heads is called so, one on 24 heads is not."""

from neuromf.evaluation.evaluate import evaluate_run
from neuromf.evaluation.result import Judged
from neuromf.evaluation.wanted import EvaluationRequest
from tests.support.tiny_run import make_tiny_config
from tests.support.trained_run import trained_run

LONGER = (
    "unet.channels=[16,32]",
    "training.epochs=3",
    "training.micro_batches_per_epoch=50",
    "training.batch_size_per_gpu=8",
    "training.gradient_accumulation_steps=1",
    "training.learning_rate=0.002",
    "training.checkpoint_every_steps=150",
    "ema.decay=0.95",
)
"""150 steps of eight samples, some 20 seconds of a processor."""


def trained(folder, patch, *data):
    """What the laws say of twelve samples of such a training."""
    run = trained_run(folder, patch, make_tiny_config(*LONGER, *data))
    return evaluate_run(run, EvaluationRequest(evaluations=(1, 10), count=12)).evaluation


def test_a_training_on_two_heads_is_called_memorising(tmp_path, monkeypatch):
    """Each head 600 times, against 14 others."""
    found = trained(tmp_path, monkeypatch, "data.demo_subjects=16", "data.split_ratios=[0.125,0.875,0.0]")
    copied = next(verdict for verdict in found.verdicts if verdict.law_id == "EVAL-004")
    assert copied.judged is Judged.BROKEN
    assert found.exit_code == 1


def test_a_training_on_many_heads_is_not(tmp_path, monkeypatch):
    """Each 50 times, against twelve others: no law is broken."""
    found = trained(tmp_path, monkeypatch, "data.demo_subjects=36", "data.split_ratios=[0.6667,0.3333,0.0]")
    assert {verdict.judged for verdict in found.verdicts} == {Judged.HOLDS}
    assert found.exit_code == 0
