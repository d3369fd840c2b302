import pytest
import torch
from torch import nn

from export.errors import ExportError
from export.module_source import build, load_weights


def test_the_function_gets_what_it_asks_for(tmp_path):
    (tmp_path / "own.py").write_text(
        "from torch import nn\n"
        "def sized(window, channels, width=2): return nn.Linear(window * channels, width)\n"
        "def more(classes): return nn.Linear(3, classes)\n"
        "def none(): return 3\n"
        "ready = 5\n"
    )
    own = f"{tmp_path / 'own.py'}"
    assert build(f"{own}:sized", window=8, channels=3).in_features == 24
    for name, said in {
        "more": "wants classes",
        "none": "gives a int, not a torch.nn.Module",
        "ready": "has no function 'ready'",
        "gone": "has no function 'gone'",
    }.items():
        with pytest.raises(ExportError, match=said):
            build(f"{own}:{name}", window=8, channels=3)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nothing", "names no function"),
        ("nowhere_at_all:build", "There is no module nowhere_at_all"),
        ("nowhere.py:build", r"There is no file nowhere\.py"),
    ],
)
def test_what_is_not_there_is_told(target, said):
    with pytest.raises(ExportError, match=said):
        build(target)


def test_a_module_in_the_current_folder_is_found(tmp_path, monkeypatch):
    (tmp_path / "foreign_network.py").write_text(
        "from torch.nn import Linear\ndef build(): return Linear(3, 2)\n"
    )
    monkeypatch.chdir(tmp_path)
    assert isinstance(build("foreign_network:build"), nn.Linear)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_weights_are_read_from_either_kind_of_file(suffix, tmp_path):
    from safetensors.torch import save_file

    trained, path = nn.Linear(3, 2), tmp_path / f"w{suffix}"
    if suffix == ".pt":
        torch.save({"epoch": 3, "state_dict": trained.state_dict()}, path)
    else:
        save_file(trained.state_dict(), path)
    fresh = nn.Linear(3, 2)
    load_weights(fresh, path)
    assert torch.equal(fresh.weight, trained.weight)


def test_weights_that_do_not_fit_are_told_by_name(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "w.safetensors"
    for other, said in (
        ({"weight": torch.zeros(2, 3)}, "lacks bias"),
        ({"weight": torch.zeros(2, 3), "bias": torch.zeros(2), "scale": torch.zeros(1)}, "has scale too"),
        ({"weight": torch.zeros(2, 4), "bias": torch.zeros(2)}, "has another weight"),
    ):
        save_file(other, path)
        with pytest.raises(ExportError, match=said):
            load_weights(nn.Linear(3, 2), path)


def test_weights_that_would_run_code_are_refused(tmp_path):
    torch.save({"net": nn.Linear(3, 2)}, tmp_path / "whole.pt")
    (tmp_path / "cut.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{")
    wanted = {"whole.pt": "more than tensors", "cut.safetensors": "damaged", "no.pt": "no file"}
    for name, said in wanted.items():
        with pytest.raises(ExportError, match=said):
            load_weights(nn.Linear(3, 2), tmp_path / name)
