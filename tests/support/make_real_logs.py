"""Makes the logs under tests/unit/diagnosis/logs with the libraries themselves; no test runs it.

In an environment of its own: `pip install torch lightning tensorboard transformers accelerate mlflow`, and neuromf from
this checkout. Then `python tests/support/make_real_logs.py FOLDER`. Each loop fits a small network in a few seconds,
once with a sound learning rate and once with one that is a thousand times too high, so that its loss explodes.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
from pathlib import Path

import torch
from torch import nn

STEPS, EVERY = 600, 5
RATES = {"healthy": 3e-3, "broken": 3.0}


def data(generator):
    x = torch.randn(32, 4, generator=generator)
    return x, (x.sin().sum(1, keepdim=True) + 0.1 * torch.randn(32, 1, generator=generator))


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))


def optimiser(parameters, kind):
    """Plain gradient descent explodes at a high rate as few optimisers do; Adam is what most people use."""
    if kind == "healthy":
        return torch.optim.Adam(parameters, RATES[kind])
    return torch.optim.SGD(parameters, RATES[kind] / 6)


def plain(kind):
    """Loss, gradient norm and rate of a plain loop, a row every few steps."""
    net, generator = network(), torch.Generator().manual_seed(1)
    adam = optimiser(net.parameters(), kind)
    for step in range(STEPS):
        x, y = data(generator)
        loss = nn.functional.mse_loss(net(x), y)
        adam.zero_grad()
        loss.backward()
        norm = torch.stack([p.grad.norm() for p in net.parameters()]).norm()
        adam.step()
        if step % EVERY == 0:
            yield {"step": step, "train_loss": loss.item(), "grad_norm": norm.item(), "lr": adam.param_groups[0]["lr"]}


def write_plain(folder, kind):
    rows = list(plain(kind))
    with (folder / f"plain_{kind}.jsonl").open("w") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    with (folder / f"plain_{kind}.csv").open("w", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(rows[0])
        for row in rows:
            writer.writerow([str(row["step"]), *(f"{row[n]:.6g}".replace(".", ",") for n in list(rows[0])[1:])])


def write_meanflow(folder, kind):
    """A MeanFlow on a circle that prints its weighted loss: no rate of it shows there."""
    import numpy as np

    import neuromf as nmf

    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(4, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2))
    objective = nmf.ObjectiveSettings(prediction="u", norm_eps=1e-6)
    times = nmf.TimeSettings(data_proportion=0.5)
    adam = torch.optim.Adam(layers.parameters(), 1e-3 if kind == "healthy" else 1.0)
    generator = np.random.default_rng(0)

    def net(z, r_B, t_B):
        return layers(torch.cat([z, r_B[:, None], t_B[:, None]], dim=1))

    with (folder / f"meanflow_{kind}.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["iteration", "loss", "raw_loss", "grad_norm"])
        for step in range(STEPS):
            angle = torch.from_numpy(generator.uniform(0, 2 * np.pi, 64)).float()
            x = torch.stack([angle.cos(), angle.sin()], dim=1)
            batch = nmf.draw_batch(x, times, generator, start=64 * step)
            result = nmf.meanflow_objective(net, batch, objective)
            loss = result.weighted_B.mean()
            adam.zero_grad()
            loss.backward()
            norm = torch.stack([p.grad.norm() for p in layers.parameters()]).norm()
            adam.step()
            if step % EVERY == 0:
                raw = sum(term.loss_B.mean().item() for term in result.terms.values())
                writer.writerow([step, f"{loss.item():.4f}", f"{raw:.6g}", f"{norm.item():.6g}"])


def lightning_module(kind):
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = network()

        def training_step(self, batch, index):
            loss = nn.functional.mse_loss(self.net(batch[0]), batch[1])
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch, index):
            self.log("val_loss", nn.functional.mse_loss(self.net(batch[0]), batch[1]))

        def configure_optimizers(self):
            return optimiser(self.parameters(), kind)

    return Module()


def write_lightning(folder, kind):
    import lightning
    from lightning.pytorch.callbacks import LearningRateMonitor
    from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
    from torch.utils.data import DataLoader, TensorDataset

    generator = torch.Generator().manual_seed(1)
    batches = [data(generator) for _ in range(60)]
    stored = TensorDataset(torch.cat([x for x, _ in batches]), torch.cat([y for _, y in batches]))
    loader = DataLoader(stored, batch_size=32)
    for name, logger in (
        ("csv", CSVLogger(folder, name=f"lightning_csv_{kind}", version="")),
        ("tensorboard", TensorBoardLogger(folder, name=f"lightning_tensorboard_{kind}", version="")),
    ):
        options = {
            "logger": logger, "log_every_n_steps": EVERY, "enable_progress_bar": False, "enable_model_summary": False,
            "accelerator": "cpu", "callbacks": [LearningRateMonitor("step")],
        }  # fmt: skip
        module = lightning_module(kind)
        first = lightning.Trainer(max_epochs=6, **options)
        first.fit(module, loader, loader)
        if name == "tensorboard":  # a second file of the same run, as after a restart from a checkpoint
            kept = folder / "restart.ckpt"
            first.save_checkpoint(kept)
            options["logger"] = TensorBoardLogger(folder, name=f"lightning_tensorboard_{kind}", version="")
            options["callbacks"] = [LearningRateMonitor("step")]
            lightning.Trainer(max_epochs=10, **options).fit(module, loader, loader, ckpt_path=kept)
            kept.unlink()
    for rest in folder.rglob("checkpoints"):
        shutil.rmtree(rest)
    for rest in folder.rglob("hparams.yaml"):
        rest.unlink()


def write_transformers(folder, kind):
    from torch.utils.data import Dataset
    from transformers import Trainer, TrainingArguments

    class Pairs(Dataset):
        def __init__(self):
            generator = torch.Generator().manual_seed(1)
            batches = [data(generator) for _ in range(60)]
            self.x, self.y = torch.cat([x for x, _ in batches]), torch.cat([y for _, y in batches])

        def __len__(self):
            return len(self.x)

        def __getitem__(self, index):
            return {"x": self.x[index], "labels": self.y[index]}

    class Fitted(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = network()

        def forward(self, x, labels):
            return {"loss": nn.functional.mse_loss(self.net(x), labels)}

    model = Fitted()
    arguments = TrainingArguments(
        output_dir=str(folder / "scratch"), max_steps=STEPS, logging_steps=EVERY, per_device_train_batch_size=32,
        learning_rate=RATES[kind], max_grad_norm=1e9, report_to=[], use_cpu=True, disable_tqdm=True,
        save_strategy="no", logging_nan_inf_filter=False,
    )  # fmt: skip
    steps = (optimiser(model.parameters(), kind), None)
    trainer = Trainer(model=model, args=arguments, train_dataset=Pairs(), optimizers=steps)
    trainer.train()
    target = folder / f"transformers_{kind}"
    target.mkdir()
    trainer.state.save_to_json(str(target / "trainer_state.json"))
    shutil.rmtree(folder / "scratch", ignore_errors=True)


def write_mlflow(folder, kind):
    import mlflow

    mlflow.set_tracking_uri((folder / "mlruns").as_uri())
    mlflow.set_experiment("fit")
    with mlflow.start_run(run_name=kind) as run:
        mlflow.log_param("learning_rate", RATES[kind])
        for row in plain(kind):
            values = {name: value for name, value in row.items() if name != "step"}
            mlflow.log_metrics({f"train/{name}": value for name, value in values.items()}, step=row["step"])
    kept = next(path for path in (folder / "mlruns").rglob(run.info.run_id) if path.is_dir())
    shutil.copytree(kept, folder / f"mlflow_{kind}", ignore=shutil.ignore_patterns("artifacts", "tags"))
    (folder / f"mlflow_{kind}/meta.yaml").write_text(f"run_id: {run.info.run_id}\nrun_name: {kind}\n")


def main():
    folder = Path(sys.argv[1]).resolve()
    torch.set_num_threads(1)
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    for kind in RATES:
        for write in (write_plain, write_meanflow, write_lightning, write_transformers, write_mlflow):
            write(folder, kind)
            print(write.__name__, kind, flush=True)
    shutil.rmtree(folder / "mlruns", ignore_errors=True)


if __name__ == "__main__":
    main()
