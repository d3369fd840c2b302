import os
import pickle
import signal

import pytest
import torch

from edgehar.errors import InputError
from edgehar.networks import ask, build_student
from edgehar.training.batches import Batches
from edgehar.training.modules import Fit
from edgehar.training.recipe import Recipe
from edgehar.training.stage import Machine, check_accelerator, precision, train

RECIPE = Recipe(epochs=4, batch=16, warp=0.2, rotation=0.2, scale=0.1, noise=0.3, mixup=0.2)


class Broken(Exception):
    pass


def breaking(batches: Batches, epoch: int, raised: BaseException) -> Batches:
    """The same batches, but in the middle of `epoch` something is raised."""

    class Breaking(Batches):
        def __iter__(self):
            for number, batch in enumerate(super().__iter__()):
                if self.epoch == epoch and number == 1:
                    raise raised
                yield batch

    return Breaking(batches.clips, batches.recipe, batches.seed, batches.bank)


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_what_was_broken_off_goes_on_to_the_same_bits(make, cpu, tmp_path, same_state, epoch):
    whole, batches = make(RECIPE)
    expected = train(whole, batches, tmp_path / "whole.ckpt", cpu, "whole")
    broken, batches = make(RECIPE)
    with pytest.raises(Broken):
        train(broken, breaking(batches, epoch, Broken()), tmp_path / "a.ckpt", cpu, "broken")
    assert (tmp_path / "a.ckpt").exists()
    torch.rand(7)
    resumed, batches = make(RECIPE, 0)
    losses = train(resumed, batches, tmp_path / "a.ckpt", cpu, "resumed")
    assert losses == expected
    assert same_state(resumed, whole)


def test_broken_off_twice_it_still_goes_on(make, cpu, tmp_path, same_state):
    whole, batches = make(RECIPE)
    expected = train(whole, batches, tmp_path / "whole.ckpt", cpu, "whole")
    for epoch in (1, 1, 3):
        module, batches = make(RECIPE)
        with pytest.raises(Broken):
            train(module, breaking(batches, epoch, Broken()), tmp_path / "a.ckpt", cpu, "broken")
    module, batches = make(RECIPE)
    assert train(module, batches, tmp_path / "a.ckpt", cpu, "resumed") == expected
    assert same_state(module, whole)


def test_broken_off_in_the_first_epoch_it_starts_anew(make, cpu, tmp_path, same_state):
    module, batches = make(RECIPE)
    with pytest.raises(Broken):
        train(module, breaking(batches, 0, Broken()), tmp_path / "a.ckpt", cpu, "broken")
    assert not (tmp_path / "a.ckpt").exists()


def test_the_same_seed_trains_the_same_bits_and_another_others(make, cpu, tmp_path, same_state):
    trained = []
    for seed in (0, 0, 1):
        module, batches = make(RECIPE, seed)
        train(module, batches, tmp_path / f"{len(trained)}.ckpt", cpu, "again")
        torch.rand(3)
        trained.append(module)
    assert same_state(trained[0], trained[1])
    assert not same_state(trained[0], trained[2])


def test_a_network_that_was_asked_before_is_trained_all_the_same(alone, cpu, tmp_path, same_state):
    """Asking leaves it in eval mode, where batch norm stands still and nothing is dropped."""
    fresh, batches = alone(RECIPE)
    train(fresh, batches, tmp_path / "a.ckpt", cpu, "fresh")
    asked, batches = alone(RECIPE)
    asked.network.eval()
    train(asked, batches, tmp_path / "b.ckpt", cpu, "asked")
    assert same_state(asked, fresh)
    assert asked.network.normalise.num_batches_tracked > 0


@pytest.mark.parametrize("epochs", [1, 2])
@pytest.mark.parametrize("batch", [8, 64])
def test_the_shortest_training_is_one_batch(alone, cpu, tmp_path, epochs, batch):
    module, batches = alone(Recipe(epochs=epochs, batch=batch))
    losses = train(module, batches, tmp_path / "a.ckpt", cpu, "short")
    assert len(losses) == epochs
    assert not module.training


def test_nothing_but_the_checkpoint_is_written(alone, cpu, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module, batches = alone(RECIPE)
    train(module, batches, tmp_path / "checkpoints" / "a.ckpt", cpu, "title")
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")} == {
        "checkpoints",
        "checkpoints/a.ckpt",
    }


def test_a_bar_is_drawn_on_stderr(alone, tmp_path, capsys):
    module, batches = alone(Recipe(epochs=2, batch=8))
    train(module, batches, tmp_path / "a.ckpt", Machine("cpu", progress=True), "baseline, seed 0")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "baseline, seed 0" in shown.err
    assert "2/2" in shown.err


# Interruptions


def test_ctrl_c_stays_keyboard_interrupt_and_keeps_working(alone, cpu, tmp_path):
    module, batches = alone(RECIPE)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(module, breaking(batches, 2, KeyboardInterrupt()), tmp_path / "a.ckpt", cpu, "stopped")
    assert signal.getsignal(signal.SIGINT) == before


def test_a_full_disk_keeps_the_checkpoint_before(alone, cpu, tmp_path, monkeypatch):
    module, batches = alone(RECIPE)
    written = []

    def full_at_the_second(number):
        written.append(number)
        if len(written) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("edgehar.cache.os.fsync", full_at_the_second)
    with pytest.raises(OSError, match="No space left"):
        train(module, batches, tmp_path / "a.ckpt", cpu, "full")
    assert [path.name for path in tmp_path.iterdir()] == ["a.ckpt"]
    monkeypatch.undo()
    module, batches = alone(RECIPE)
    assert len(train(module, batches, tmp_path / "a.ckpt", cpu, "resumed")) == RECIPE.epochs


# What lies in a run folder may be damaged, or sent by somebody


def broken_off(make, cpu, path):
    module, batches = make(RECIPE)
    with pytest.raises(Broken):
        train(module, breaking(batches, 2, Broken()), path, cpu, "broken")


def test_checkpoints_hold_no_code(make, cpu, tmp_path):
    broken_off(make, cpu, tmp_path / "a.ckpt")
    assert isinstance(torch.load(tmp_path / "a.ckpt", weights_only=True), dict)


@pytest.mark.parametrize("left", [0, 100, 2000, -1])
def test_a_checkpoint_cut_short_is_named(alone, cpu, tmp_path, left):
    path = tmp_path / "a.ckpt"
    broken_off(alone, cpu, path)
    path.write_bytes(path.read_bytes()[:left])
    module, batches = alone(RECIPE)
    with pytest.raises(InputError) as error:
        train(module, batches, path, cpu, "resumed")
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_checkpoint_that_would_run_code_is_refused(alone, cpu, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "was-here"),)

    path = tmp_path / "a.ckpt"
    torch.save({"state_dict": Bomb()}, path)
    module, batches = alone(RECIPE)
    with pytest.raises(InputError):
        train(module, batches, path, cpu, "resumed")
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError):
        train(module, batches, path, cpu, "resumed")
    assert not (tmp_path / "was-here").exists()


# Where and how exactly


def test_a_gpu_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert check_accelerator("auto") == "auto"
    assert check_accelerator("cpu") == "cpu"
    with pytest.raises(InputError, match="No CUDA device is here"):
        check_accelerator("cuda")
    assert Machine("auto").device == Machine("cpu").device == "cpu"


def test_a_gpu_that_is_there_is_used_unless_the_cpu_is_asked_for(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert check_accelerator("cuda") == "cuda"
    assert Machine("auto").device == Machine("cuda").device == "cuda"
    assert Machine("cpu").device == "cpu"


def test_an_unknown_accelerator_suggests_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'cuda'"):
        check_accelerator("cud")


@pytest.mark.parametrize(("fast", "expected"), [(True, "bf16-mixed"), (False, "32-true")])
def test_auto_is_half_precision_where_the_processor_multiplies_it(monkeypatch, fast, expected):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: fast)
    assert precision("auto", "cpu") == precision("auto", "auto") == expected
    assert precision("32-true", "cpu") == "32-true"


def test_two_processes_train_one_network_together(clips, tmp_path, capfd):
    """Each takes every second batch, and gradients are the mean of both: half as many steps an epoch."""
    recipe = Recipe(epochs=40, batch=8, lr=1e-2)
    torch.manual_seed(0)
    batches = Batches(clips.streams(("acc",)), recipe, 0, ranks=2)
    module = Fit(build_student("acc-micro", 4, 128), recipe, len(batches))
    losses = train(module, batches, tmp_path / "a.ckpt", Machine("cpu", devices=2), "together")
    assert capfd.readouterr().err.count("together") >= 1  # the first process has a bar
    assert len(batches) == 2
    assert len(losses) == 40 and losses[-1] < 0.6 * losses[0]
    assert not (tmp_path / "a.losses").exists()
    right = ask(module.network, clips).logits.argmax(1).numpy() == clips.labels
    assert right.mean() > 0.9


def test_batches_for_other_processes_than_train_are_refused(clips, tmp_path):
    recipe = Recipe(epochs=1, batch=8)
    batches = Batches(clips.streams(("acc",)), recipe, 0, ranks=2)
    module = Fit(build_student("acc-micro", 4, 128), recipe, len(batches))
    with pytest.raises(ValueError, match="batches for 2 processes, and 1 train"):
        train(module, batches, tmp_path / "a.ckpt", Machine("cpu", progress=False), "a")
