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
    "api:train",
    "bisect.oracle_kinds:golden",
    "bisect.study:_small",
    "bisect.trainings:armed",
    "bisect.trainings:divergence",
    "bisect.trainings:optimiser_steps",
    "cli.encode:_encode",
    "cli.launch:_jobs",
    "cli.train:_train",
    "cli.training:_changed_code",
    "cli.training:_covariates",
    "cli.training:_prepare",
    "cli.training:prepare",
    "cli.training:run_training",
    "data.covariates:stand_in_covariates",
    "diagnosis.diagnosis:_try_next",
    "diagnosis.held_out:held_out_signs",
    "diagnosis.logs.replayed_guard:heard_alarms",
    "diagnosis.symptoms.loss:_total_signs",
    "diagnosis.symptoms.loss:loss_signs",
    "evaluation.subject:covariates",
    "evaluation.subject:draw",
    "evaluation.subject:made",
    "export.bundle:refuse_own_code",
    "export.bundle:write_bundle",
    "export.bundle_config:_autoencoder",
    "export.bundle_config:_decoder",
    "export.bundle_config:_network",
    "export.bundle_config:inference_config",
    "export.conventions:_covariates",
    "export.conventions:conventions",
    "export.provenance:_data",
    "export.subject:open_export",
    "gate.inputs:_autoencoder",
    "gate.inputs:_examined",
    "gate.inputs:open_inputs",
    "gate.judge:_unknown",
    "gate.judge:of",
    "gate.judge:subjects",
    "gate.smoke:_closing_readings",
    "gate.smoke:_otherwise",
    "gate.smoke:_steps",
    "gate.smoke:_trustworthy",
    "gate.smoke_latents:_own_latents",
    "gate.smoke_latents:smoke_latents",
    "gate.training_checks:_split",
    "golden.case:lane",
    "golden.parameters:parameter_text",
    "launch.resources:encoding_resources",
    "plan.encoding:encoding_flops",
    "plan.estimate:_step_seconds",
    "plan.estimate:plan",
    "plan.step_cost:_derivative",
    "plan.step_cost:_pass",
    "plan.step_cost:step_cost",
    "replay.rules:_guard",
    "report.headline:_level",
    "report.law_table:_static",
    "report.law_table:watched_laws",
    "report.run_charts:detail_pictures",
    "report.sample_slices:sample_strip",
    "sampling.sampling:decode",
    "sampling.sampling:sample_run",
    "sweep.admission:_arguments",
    "sweep.admission:_on_paper",
    "sweep.admission:admit",
    "sweep.arms:epochs_of",
    "sweep.rungs:steps_of",
    "training.batches.source:__post_init__",
    "training.checkpoints.sampling_net:is_averaged",
    "training.device.arithmetic:refuse_wrong_arithmetic",
    "training.device.float32_agreement:shape",
    "training.held_out.draws:_times",
    "training.initial_weights:start_from",
    "training.latents.autoencoder_check:check_autoencoder",
    "training.latents.frozen:_encoded_again",
    "training.latents.frozen:run_latents",
    "training.latents.store:selected_scans",
    "training.records.previews:sampling_field",
    "training.records.step_writer:_end_epoch",
    "training.resume:_choose",
    "training.run_writer:save_best",
    "training.step.fault_probe:_still",
    "watch.watcher:__init__",
    "watch.watcher:_shown",
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
