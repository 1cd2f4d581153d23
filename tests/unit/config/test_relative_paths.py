"""From where a relative path in a configuration counts."""

from __future__ import annotations

from neuromf.config import load_config


def write(folder, text, name="run.yaml"):
    path = folder / name
    path.write_text(text)
    return path


def test_a_relative_folder_counts_from_the_file_that_names_it(tmp_path, monkeypatch):
    """And one after --set from the current folder; both are absolute from then on."""
    (tmp_path / "project").mkdir()
    text = "data: {source: folder, root: scans}\n"
    path = write(tmp_path / "project", text)
    monkeypatch.chdir(tmp_path)
    assert load_config([path]).data.root == str(tmp_path / "project" / "scans")
    assert load_config([path], ["data.root=other"]).data.root == str(tmp_path / "other")
    assert load_config([path], ["data.root=/scans"]).data.root == "/scans"


def test_weights_beside_the_file_are_found_from_any_folder(tmp_path, monkeypatch):
    """A relative checkpoint that lies beside the file is that one; another is looked for in the current folder."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "weights.pt").touch()
    path = write(tmp_path / "project", "vae: {checkpoint: weights.pt}\n")
    monkeypatch.chdir(tmp_path)
    assert load_config([path]).vae.checkpoint == str(tmp_path / "project" / "weights.pt")
    assert load_config([write(tmp_path, "vae: {checkpoint: demo}\n")]).vae.checkpoint == "demo"
