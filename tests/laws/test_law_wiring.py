"""Every place that reads a setting decides something by it, and the same as ever (law CFG-001)."""

import pytest

from neuromf.config import Config
from neuromf.config.resolve import flat_config
from tests.support.wiring.reads import functions_that_read
from tests.support.wiring.table import decided, read_idle, read_table, reads_of
from tests.support.wiring.values import set_up

pytestmark = pytest.mark.law("CFG-001")
TABLE, IDLE = read_table(), read_idle()
LISTED = {read for rows in TABLE.values() for read in rows} | IDLE.keys()
ELSEWHERE = {
    "cli.launch:_jobs",
    "evaluation.subject:draw",
    "evaluation.subject:open_subject",
    "gate.judge:of",
    "gate.judge:subjects",
    "launch.resources:encoding_resources",
    "plan.encoding:encoding_flops",
    "plan.estimate:_step_seconds",
    "plan.estimate:plan",
    "plan.step_cost:_derivative",
    "plan.step_cost:_pass",
    "plan.step_cost:step_cost",
    "training.device.arithmetic:refuse_wrong_arithmetic",
    "training.device.float32_agreement:shape",
    "cli.training:_changed_code",
    "gate.inputs:_autoencoder",
    "gate.judge:_unknown",
    "gate.smoke:_otherwise",
    "training.initial_weights:start_from",
    "training.latents.autoencoder_check:check_autoencoder",
    "training.records.step_writer:_end_epoch",
    "watch.watcher:__init__",
    "watch.watcher:_shown",
    "diagnosis.logs.replayed_guard:heard_alarms",
    "diagnosis.symptoms.loss:loss_signs",
    "cli.encode:_encode",
    "cli.training:prepare",
    "gate.training_checks:_split",
    "training.latents.store:selected_scans",
    "api:train",
    "bisect.oracle_kinds:golden",
    "bisect.study:_small",
    "bisect.trainings:armed",
    "bisect.trainings:divergence",
    "bisect.trainings:optimiser_steps",
    "cli.train:_train",
    "cli.training:_prepare",
    "cli.training:run_training",
    "diagnosis.held_out:held_out_signs",
    "training.held_out.draws:_times",
    "training.run_writer:save_best",
    "diagnosis.diagnosis:_try_next",
    "diagnosis.symptoms.loss:_total_signs",
    "gate.inputs:open_inputs",
    "gate.inputs:_examined",
    "gate.smoke:_closing_readings",
    "gate.smoke:_steps",
    "gate.smoke:_trustworthy",
    "gate.smoke_latents:_own_latents",
    "gate.smoke_latents:smoke_latents",
    "golden.case:lane",
    "golden.parameters:parameter_text",
    "replay.rules:_guard",
    "report.headline:_level",
    "report.law_table:_static",
    "report.law_table:watched_laws",
    "report.run_charts:detail_pictures",
    "report.sample_slices:sample_strip",
    "sampling.sampling:decode",
    "sampling.sampling:sample_run",
    "training.latents.frozen:_encoded_again",
    "training.latents.frozen:run_latents",
    "training.resume:_choose",
    "training.step.fault_probe:_still",
    "watch.watcher:status_of_run",
}
"""Functions that need a whole run, a study or a report around them; their own folders' tests hold what they do."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """Scans, autoencoders and a cache of this module's own."""
    folder = tmp_path_factory.mktemp("wiring")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROMF_CACHE", str(folder / "cache"))
        yield set_up(folder)


@pytest.mark.parametrize("name", TABLE)
def test_a_place_that_is_told_another_value_changes_what_it_decides(stage, name):
    """Each place of a scenario changes what the table says when it alone reads another value, and nothing else."""
    base, reads = reads_of(stage, name)
    assert sorted(map(str, reads - LISTED)) == [], "not in the table"
    found = {read: decided(stage, name, read, base) if read in reads else "not read" for read in TABLE[name]}
    assert found == TABLE[name]


def test_every_key_has_a_place_in_the_table():
    """No key of the schema is without a place at which it decides something."""
    assert set(flat_config(Config())) <= {read.key for read in LISTED - IDLE.keys()}


def test_every_function_that_reads_a_setting_is_known():
    """A function that names a section of a configuration is in the table, or among those that are tested elsewhere."""
    listed = {read.place.partition("#")[0].rpartition(":") for read in LISTED}
    known = {f"{module}:{function.rpartition('.')[2]}" for module, _, function in listed}
    assert sorted(functions_that_read() - known - ELSEWHERE) == []
    assert sorted(ELSEWHERE & known) == []
