"""Facts from the options with which py-meanflow is started."""

import json
import random
from statistics import NormalDist

import pytest

from neuromf.errors import InputError
from neuromf.facts.importers import import_facts
from neuromf.facts.importers.py_meanflow_options import command_of

SCRIPT = """\
#!/bin/bash
# a training on eight devices
echo "it starts; ${WHEN}
over two lines"
torchrun --standalone --nproc_per_node=8 \\
    train.py \\
    --output_dir=./out --dataset=cifar10 --batch_size=128 --lr=0.0006 --epochs=16000 \\
    --tr_sampler=v1 --P_mean_t -0.6 --P_std_t 1.6 --P_mean_r -4.0 --P_std_r 1.6 \\
    --warmup_epochs 200 --norm_p 0.75 --ratio 0.75 --compute_fid 2>&1 | tee log.txt
"""


def facts_of(folder, text, name="start.sh"):
    (folder / name).write_text(text)
    return import_facts(folder / name)


def test_a_script_over_several_lines_is_one_command(tmp_path):
    """Continued lines belong together; comments, quotes elsewhere, redirections and pipes do not."""
    found = facts_of(tmp_path, SCRIPT)
    assert found.not_understood == ()
    assert (found.facts.batch_size, found.facts.norm_p, found.facts.mu) == (1024, 0.75, -0.6)


@pytest.mark.law("OPT-004")
def test_updates_are_counted_by_whole_batches_of_a_process(tmp_path):
    """50,000 images on 8 processes are 6,250 each, of which 48 batches of 128 are full."""
    facts = facts_of(tmp_path, SCRIPT).facts
    assert (facts.optimiser_steps, facts.warmup_steps) == (48 * 16_000, 48 * 200)


@pytest.mark.law("TIME-002")
def test_the_ratio_is_the_share_of_unlike_times(tmp_path):
    """Ratio 0.75 of the first sampler is a share of 0.25 with r = t."""
    found = facts_of(tmp_path, "--tr_sampler v0 --ratio 0.75")
    assert found.facts.data_proportion == 0.25
    assert "1 - ratio" in found.origin["data_proportion"]


def test_the_second_sampler_cuts_more_times_together(tmp_path):
    """Where r is cut to t, 0.25 + 0.75 P(r > t) have r = t: as two draws of a million pairs have it, to one in 500."""
    facts = facts_of(tmp_path, SCRIPT).facts
    draw, pairs = random.Random(0), 200_000
    equal = sum(draw.random() >= 0.75 or draw.gauss(-4, 1.6) >= draw.gauss(-0.6, 1.6) for _ in range(pairs)) / pairs
    # The standard error of the share is 1e-3.
    assert facts.data_proportion == pytest.approx(equal, abs=4e-3)
    assert facts.data_proportion == pytest.approx(1 - 0.75 * NormalDist().cdf(3.4 / (2**0.5 * 1.6)), abs=1e-9)
    assert (facts.r_mu, facts.r_sigma, facts.time_order) == (-4.0, 1.6, "clipped")


def test_two_times_of_one_distribution_have_no_second_one(tmp_path):
    """The first sampler with the same numbers for t and r is a sorted pair of one distribution."""
    same = "--tr_sampler=v0 --P_mean_t -2 --P_std_t 2 --P_mean_r -2 --P_std_r 2"
    facts = facts_of(tmp_path, same).facts
    assert facts.pair_lacks == []
    assert (facts.mu, facts.sigma, facts.r_mu, facts.time_order) == (-2.0, 2.0, None, "sorted")


def test_options_that_are_not_given_have_the_defaults_of_the_code(tmp_path):
    """A default is a fact, and its origin names the line of the parser."""
    found = facts_of(tmp_path, "--ratio 0.5")
    assert (found.facts.norm_eps, found.facts.learning_rate, found.facts.beta2) == (1e-3, 6e-4, 0.999)
    assert found.origin["norm_eps"] == (
        "the default of --norm_eps, Gsunshine/py-meanflow@1f6d72d (train_arg_parser.py:65)"
    )
    assert found.origin["data_proportion"].startswith("--ratio")


def test_an_average_of_every_16th_update_has_its_own_decay(tmp_path):
    """Its 16th power every 16th update is its decay an update; the other averages are told."""
    found = facts_of(tmp_path, "--ratio 0.5 --ema_decay 0.999 --ema_decays 0.9 0.99")
    assert found.facts.ema_decay == 0.999
    assert [note for note in found.notes if "[0.9, 0.99]" in note]


def test_options_alone_do_not_say_how_many_processes_train(tmp_path):
    """Without a launcher neither the batch nor the updates are known."""
    facts = facts_of(tmp_path, "--batch_size 128 --tr_sampler v1").facts
    assert not any(facts.given(name) for name in ("batch_size", "optimiser_steps", "warmup_steps"))


@pytest.mark.parametrize(
    ("launcher", "processes"),
    [
        ("python", 1),
        ("python3.11", 1),
        ("CUDA_VISIBLE_DEVICES=0 python", 1),
        ("torchrun --nproc-per-node 4 --nnodes 2", 8),
        ("torchrun --nproc_per_node=4", 4),
        ("torchrun", 1),
        ("python -m torch.distributed.run --nproc_per_node=3", 3),
        ("torchrun --nproc_per_node=$GPUS", None),
        ("torchrun --nproc_per_node=gpu", None),
        ("srun ./start", None),
    ],
)
def test_the_launcher_says_how_many_processes_train(tmp_path, launcher, processes):
    """As torchrun and python start them; what only the shell knows is not known."""
    (tmp_path / "a.sh").write_text(f"{launcher} meanflow/train.py --ratio 0.5\n")
    assert command_of((tmp_path / "a.sh").read_text(), tmp_path).processes == processes


@pytest.mark.parametrize("value", ["$LR", "${LR}", "$(cat lr)", "`cat lr`", "'$LR'"])
@pytest.mark.parametrize("joint", ["=", " "])
def test_nothing_is_evaluated(tmp_path, value, joint):
    """An option whose value a shell would look up is named, and its default is not taken for it."""
    (tmp_path / "lr").write_text("0.5")
    found = facts_of(tmp_path, f"python train.py --ratio 0.5 --lr{joint}{value}\n")
    assert not found.facts.given("learning_rate")
    assert [key for key in found.not_understood if "--lr" in key and "only a shell" in key]


@pytest.mark.parametrize(
    ("option", "facts"),
    [
        ("tr_sampler", ("mu", "sigma", "time_order", "data_proportion")),
        ("P_std_r", ("mu", "data_proportion")),
        ("ratio", ("data_proportion",)),
        ("optimizer_betas", ("beta1", "beta2")),
        ("dataset", ("optimiser_steps",)),
        ("batch_size", ("batch_size", "optimiser_steps")),
        ("resume", ("initialised_from",)),
        ("ema_decay", ("ema_decay",)),
        ("norm_p", ("norm_p",)),
    ],
)
def test_what_only_a_shell_knows_is_not_taken_for_the_default(tmp_path, option, facts):
    """Every fact that depends on such an option is not known, and the options after it are read all the same."""
    found = facts_of(tmp_path, f"python train.py --{option}=$(cat a b) --P_mean_t -0.5 --lr 0.01")
    assert not any(found.facts.given(name) for name in facts)
    assert found.facts.learning_rate == 0.01


@pytest.mark.parametrize(
    ("text", "told", "lr"),
    [("--lr $A --ratio 0.5", "--lr $A", None), ("--ratio 0.5 --lr $A", "--lr $A", None),
     ("--ratio 0.5 --lr=0.1 $A", "$A", 0.1), ("--ratio=0.5 --lr 0.1 $A", "$A", 0.1),
     ("--lr=0.1 --ratio $A", "--ratio $A", 0.1)],
)  # fmt: skip
def test_a_variable_is_the_value_of_an_option_that_has_none(tmp_path, text, told, lr):
    """First or last of the line; after an option with its value it is a word of its own, and the option is read."""
    found = facts_of(tmp_path, f"python train.py {text}\n")
    assert f"{told}: only a shell knows its value" in found.not_understood
    assert (found.facts.given("learning_rate"), found.facts.learning_rate) == (lr is not None, lr)


def test_words_that_only_a_shell_knows_are_named(tmp_path):
    """A variable that may hold any option is told."""
    assert "$MORE: only a shell knows its value" in facts_of(tmp_path, "--ratio 0.5 $MORE").not_understood


def test_what_is_no_option_is_named(tmp_path):
    """An unknown option and what changes the training without being a fact are told; places and logs are not."""
    text = "python train.py --ratio 0.5 --momentum 0.3 --dropout 0.1 --use_edm_aug --seed 3 --output_dir o stray"
    assert facts_of(tmp_path, text).not_understood == ("--momentum", "0.3", "stray", "dropout", "use_edm_aug")


def test_json_of_the_options_is_read_as_well(tmp_path):
    """The namespace of the parser as JSON says the same as the command, but for the launcher."""
    options = {"tr_sampler": "v0", "ratio": 0.5, "lr": 1e-3, "optimizer_betas": [0.8, 0.9], "compile": True, "x": 1}
    found = facts_of(tmp_path, json.dumps(options), "args.json")
    assert (found.facts.learning_rate, found.facts.beta1, found.facts.data_proportion) == (1e-3, 0.8, 0.5)
    assert found.not_understood == ("x",)


def test_a_resumed_run_starts_from_what_is_not_in_the_file(tmp_path):
    """What it starts from is not known then, and told."""
    found = facts_of(tmp_path, "--ratio 0.5 --resume old.pth")
    assert not found.facts.given("initialised_from")
    assert [key for key in found.not_understood if key.startswith("resume")]


@pytest.mark.parametrize(
    "text",
    [
        "--ratio",
        "--ratio a",
        "--ratio nan",
        "--ratio 1.5",
        "--ratio 0.5 --tr_sampler v2",
        "--ratio 0.5 --optimizer_betas 0.9",
        "--ratio 0.5 --dataset other",
        "--ratio 0.5 --P_std_t 0",
        "--ratio 0.5 --P_std_t -1 --P_std_r 1",
        "--ratio 0.5 --P_std_t 0 --P_std_r 0",
        "--ratio 0.5 --lr 0",
        "--ratio 0.5 --norm_eps inf",
        "--ratio 0.5 --output_dir 'open",
        "python train.py --ratio 0.5 --batch_size 100000",
        "python train.py --ratio 0.5 --batch_size 0",
        "python train.py --ratio 0.5 --epochs 10000000000000000000",
        "python train.py --ratio 0.5 --warmup_epochs -1",
        "python train.py --ratio 0.5\npython train.py --ratio 0.4",
        "echo --ratio 0.5",
        '{"ratio": "a lot"}',
        '{"ratio": 0.5, "optimizer_betas": ["a", 1]}',
        '{"ratio": 0.5, "batch_size": true}',
        '{"ratio": 0.5, "lr": [1]}',
        '{"ratio": 0.5, "lr": {"a": 1}}',
    ],
)
def test_options_that_no_training_takes_are_refused(tmp_path, text):
    """A missing or wrong value, no command or two of them are one sentence that names the file."""
    with pytest.raises(InputError) as caught:
        facts_of(tmp_path, text)
    assert "start.sh" in caught.value.sentence
    assert "\n" not in caught.value.sentence
