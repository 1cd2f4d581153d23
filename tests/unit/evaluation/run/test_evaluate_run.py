"""A whole evaluation of a run on real anatomy: what is measured, what is kept, and what planted samples are called."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from neuromf.errors import InputError
from neuromf.evaluation import kept
from neuromf.evaluation.evaluate import evaluate_run
from neuromf.evaluation.metrics.catalogue import MEASURES
from neuromf.evaluation.result import Judged
from neuromf.evaluation.subject import EvaluatedRun, open_subject
from neuromf.evaluation.wanted import EvaluationRequest
from neuromf.nets.factory import build_net
from neuromf.nets.vae import LatentCodec
from neuromf.sampling.sampling import sample_run
from neuromf.training.records.previews import draw_latents
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")
ONE_DRAW = {"consistency"}
"""What samples of most evaluations do not have."""
SAMPLES_ALONE = {"consistency", "nearest_train", "copying", "spread"}


@pytest.fixture(scope="module")
def found(evaluated_run):
    """Twelve samples in one, two and four evaluations."""
    return evaluate_run(evaluated_run, EvaluationRequest(evaluations=(1, 2, 4), count=12), beside=3)


def opened(run):
    return open_subject(run, checkpoint=None, vae=None, device=CPU)


def planted(monkeypatch, run, make, splits=("test",)):
    """Verdicts where the run's samples are what `make` gives of the subject, whatever the number of evaluations."""
    monkeypatch.setattr(EvaluatedRun, "draw", lambda subject, steps, count, *_: make(subject)[:count])
    evaluation = evaluate_run(run, EvaluationRequest(evaluations=(1, 4), count=12, splits=splits)).evaluation
    return {verdict.law_id: verdict.judged for verdict in evaluation.verdicts}


def test_every_measure_is_taken_where_it_can_be(found):
    """All of decoded samples, latents alone of those between, and none of nearness of what samples stand beside."""
    rows = {row.name: set(row.measures) for row in found.evaluation.rows}
    every = {measure.key for measure in MEASURES}
    assert rows["1 evaluation"] == every
    assert rows["2 evaluations"] == {"sliced_wasserstein", "mmd", *SAMPLES_ALONE}
    assert rows["4 evaluations"] == every - ONE_DRAW
    assert rows["training scans"] == rows["mean image"] == every - SAMPLES_ALONE


def test_every_number_lies_in_its_interval(found):
    """And all are finite."""
    for row in found.evaluation.rows:
        for key, interval in row.measures.items():
            assert interval.low <= interval.value <= interval.high, (row.name, key, interval)


def test_training_scans_lie_nearer_than_a_net_of_six_steps(found):
    """By every distance; and the mean image has no diversity."""
    rows = {row.name: row.measures for row in found.evaluation.rows}
    for key in ("sliced_wasserstein", "mmd", "frechet_25d", "frechet_3d", "spectrum"):
        assert rows["training scans"][key].high < rows["1 evaluation"][key].low, key
    assert rows["mean image"]["diversity"].value == pytest.approx(0, abs=1e-4)
    assert rows["training scans"]["diversity"].low < 1 < rows["training scans"]["diversity"].high


def test_samples_are_those_of_the_sample_command(evaluated_run, evaluated_config):
    """The same noise and weights; a batch of several rounds otherwise than one alone, in the last digits."""
    subject = opened(evaluated_run)
    expected = draw_latents(
        subject.net, evaluated_config, subject.store.latent_shape, steps=2, count=10, seed=3, device=CPU
    )
    torch.testing.assert_close(subject.draw(2, 10, 3, lambda _: None), expected, rtol=1e-4, atol=1e-5)


def test_a_flow_matching_run_is_evaluated_along_its_flow(evaluated_run):
    """As the sample command draws it: at the times that it trained, not from each to the next."""
    subject = opened(evaluated_run)
    baseline = replace(subject, config=make_tiny_config("time_sampling.data_proportion=1.0"))
    expected = draw_latents(
        subject.net, baseline.config, subject.store.latent_shape, steps=2, count=4, seed=3, device=CPU
    )
    found = baseline.draw(2, 4, 3, lambda _: None)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found, subject.draw(2, 4, 3, lambda _: None), rtol=1e-2)


def test_the_averaged_weights_are_evaluated(evaluated_run, evaluated_config):
    """Not those of the last step, nor new ones."""
    net = opened(evaluated_run).net
    fresh = build_net(evaluated_config, seed=0)
    average = (evaluated_run / "checkpoints").glob("step_*")
    from neuromf.training.checkpoints.restore import load_average

    load_average(max(average), fresh)
    for name, value in fresh.state_dict().items():
        torch.testing.assert_close(net.state_dict()[name], value, rtol=0, atol=0)


@pytest.mark.law("EVAL-004")
def test_no_held_out_scan_was_trained_on(evaluated_run):
    """Validation and test, or one of them; all scans of a subject, each once."""
    subject = opened(evaluated_run)
    for splits, count in ((("validation", "test"), 24), (("test",), 12)):
        held_out = subject.chosen(splits, 256, 0)
        assert len(set(held_out.scan_ids)) == count
        assert not set(held_out.scan_ids) & set(subject.store.scan_ids("train"))


def test_the_choice_of_scans_is_the_seeds(evaluated_run):
    """Five of 24, the same for a seed."""
    subject = opened(evaluated_run)
    one, again, other = (subject.chosen(("validation", "test"), 5, seed).scan_ids for seed in (0, 0, 1))
    assert one == again != other
    assert len(one) == 5


def test_real_scans_are_decoded_once(evaluated_run, found, monkeypatch):
    """A second evaluation decodes its samples alone and finds the same."""
    decoded = []
    decode = LatentCodec.decode
    monkeypatch.setattr(LatentCodec, "decode", lambda codec, latents: decoded.append(1) or decode(codec, latents))
    again = evaluate_run(evaluated_run, EvaluationRequest(evaluations=(1, 2, 4), count=12))
    assert len(decoded) == 2 * 12
    assert again.evaluation.rows == found.evaluation.rows


def test_what_is_kept_is_made_anew_where_it_is_damaged(evaluated_run, found):
    """One cut off, one that holds something else: both are replaced, and the numbers are the same."""
    before = {path: path.read_bytes() for path in (evaluated_run / kept.FOLDER).glob("real-*.safetensors")}
    for place, path in enumerate(before):
        path.write_bytes(before[path][:-7] if place % 2 else b"damaged")
    again = evaluate_run(evaluated_run, EvaluationRequest(evaluations=(1, 2, 4), count=12))
    assert again.evaluation.rows == found.evaluation.rows
    assert sum(path.read_bytes() == content for path, content in before.items()) == 2
    for path, content in before.items():
        path.write_bytes(content)


def test_nearest_training_scans_stand_beside_their_samples(found, evaluated_run):
    """The nearest first, by name and decoded."""
    subject, beside = opened(evaluated_run), found.beside
    near = found.measured.nearest[1]
    assert len(beside.rows) == len(beside.scan_ids) == len(beside.scans) == 3
    assert beside.scan_ids == [subject.store.scan_ids("train")[near.row[row]] for row in beside.rows]
    ratios = found.measured.nearness[1].ratios
    assert list(ratios[beside.rows]) == sorted(ratios)[:3]


def test_scans_that_nobody_saw_break_no_law(monkeypatch, evaluated_run):
    """The validation split as if a run had drawn it, against the test split: as good as samples can be."""
    assert set(planted(monkeypatch, evaluated_run, lambda s: s.store.split("validation")).values()) == {Judged.HOLDS}


def test_a_run_that_draws_its_training_scans_is_called_memorising(monkeypatch, evaluated_run):
    """With a tenth of noise, so that no sample is a scan bit for bit."""

    def copies(subject):
        latents = subject.store.split("train")
        return latents + 0.1 * torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))

    found = planted(monkeypatch, evaluated_run, copies)
    assert found.pop("EVAL-004") is Judged.BROKEN
    assert set(found.values()) == {Judged.HOLDS}


@pytest.mark.parametrize("modes", [1, 3])
def test_a_run_that_draws_few_heads_is_called_collapsed(monkeypatch, evaluated_run, modes):
    """One head that it was not trained on, or three, again and again."""

    def repeated(subject):
        latents = subject.store.split("validation")[torch.arange(12) % modes]
        return latents + 0.02 * torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))

    found = planted(monkeypatch, evaluated_run, repeated)
    assert found["EVAL-003"] is Judged.BROKEN
    assert found["EVAL-004"] is Judged.HOLDS


def test_samples_that_are_not_numbers_are_told_not_a_crash(monkeypatch, evaluated_run):
    """One NaN makes EVAL-001 fall."""

    def broken(subject):
        latents = subject.store.split("validation")
        latents[2, 0, 1, 1, 1] = torch.nan
        return latents

    assert planted(monkeypatch, evaluated_run, broken)["EVAL-001"] is Judged.BROKEN


def test_the_seed_decides_noise_and_resamples(evaluated_run):
    """Other numbers for another; that one seed gives one answer, the tests of what is kept show."""
    one, other = (
        evaluate_run(evaluated_run, EvaluationRequest(evaluations=(1,), count=8, seed=seed)).evaluation.rows[0]
        for seed in (5, 6)
    )
    assert one.measures["sliced_wasserstein"].value != other.measures["sliced_wasserstein"].value


def test_a_run_that_holds_nothing_out_is_refused(evaluated_run, tmp_path):
    """A split without scans, a checkpoint that is not there."""
    with pytest.raises(InputError, match=r"data\.split_ratios: 0 subjects in .*, and nothing to compare samples with"):
        evaluate_run(evaluated_run, EvaluationRequest(evaluations=(1,), count=2, splits=()))
    with pytest.raises(InputError, match="step_00000099"):
        evaluate_run(evaluated_run, EvaluationRequest(), checkpoint=99)
    with pytest.raises(InputError, match="holds no run"):
        evaluate_run(tmp_path, EvaluationRequest())


def test_an_evaluation_leaves_the_sampler_alone(evaluated_run, tmp_path):
    """The run is sampled afterwards as before."""
    names = sample_run(evaluated_run, steps=1, count=1, seed=0, out=tmp_path / "samples", device=CPU).volumes
    assert len(names) == 1
    assert np.isfinite(opened(evaluated_run).store.raw(opened(evaluated_run).store.scan_ids("train")[0])).all()
