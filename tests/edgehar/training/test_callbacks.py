import pickle

import pytest
import torch

from edgehar.training.callbacks import EpochBar, Follow, SaveEpochs
from edgehar.training.recipe import Recipe
from edgehar.training.stage import train


class Trainer:
    """What the callbacks ask of Lightning's Trainer."""

    def __init__(self, epoch=0, epochs=3, rank=0, ranks=1):
        self.current_epoch, self.max_epochs, self.global_rank, self.world_size = epoch, epochs, rank, ranks
        self.saved = []

    def save_checkpoint(self, path):
        self.saved.append(path)
        path.write_bytes(b"checkpoint")


class Module:
    def epoch_loss(self):
        return 1.25


class Held:
    epoch, rank, ranks = 0, 0, 1


def test_the_batches_follow_the_epoch_and_the_process():
    batches = Held()
    follow = Follow(batches)
    follow.setup(Trainer(rank=1, ranks=2), Module(), "fit")
    follow.on_train_epoch_start(Trainer(epoch=7), Module())
    assert (batches.rank, batches.ranks, batches.epoch) == (1, 2, 7)


def test_losses_are_kept_across_a_checkpoint():
    follow, again = Follow(Held()), Follow(Held())
    for _ in range(2):
        follow.on_train_epoch_end(Trainer(), Module())
    state = follow.state_dict()
    follow.on_train_epoch_end(Trainer(), Module())
    again.load_state_dict({"losses": [1.25, 1.25]})
    again.on_train_epoch_end(Trainer(), Module())
    assert follow.losses == again.losses == [1.25] * 3
    assert set(state) == {"losses"}


def test_every_epoch_but_the_last_is_saved(tmp_path):
    path = tmp_path / "checkpoints" / "a.ckpt"
    save = SaveEpochs(path)
    for epoch, exists in ((0, True), (1, True), (2, False)):
        path.unlink(missing_ok=True)
        save.on_train_epoch_end(Trainer(epoch=epoch), Module())
        assert path.exists() == exists


def test_an_epoch_that_ends_soon_after_a_save_is_not_saved(tmp_path):
    save, trainer = SaveEpochs(tmp_path / "a.ckpt", every_s=3600), Trainer(epochs=9)
    save.on_train_epoch_end(trainer, Module())
    save.on_train_epoch_end(trainer, Module())
    assert len(trainer.saved) == 1
    save.saved_at -= 3600
    save.on_train_epoch_end(trainer, Module())
    assert len(trainer.saved) == 2


def test_a_save_that_fails_leaves_the_one_before(tmp_path):
    path = tmp_path / "a.ckpt"
    save = SaveEpochs(path)
    save.on_train_epoch_end(Trainer(epoch=0), Module())

    class Full(Trainer):
        def save_checkpoint(self, path):
            path.write_bytes(b"chec")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError):
        save.on_train_epoch_end(Full(epoch=1), Module())
    assert path.read_bytes() == b"checkpoint"
    assert [p.name for p in tmp_path.iterdir()] == ["a.ckpt"]


def test_the_bar_ends_with_the_training_also_when_that_fails(capsys):
    for end in ("on_train_end", "on_exception"):
        bar = EpochBar("baseline, seed 0")
        bar.on_train_start(Trainer(epoch=1), Module())
        bar.on_train_epoch_end(Trainer(epoch=1), Module())
        getattr(bar, end)(Trainer(), Module(), *([Exception()] if end == "on_exception" else []))
        shown = capsys.readouterr()
        assert "baseline, seed 0" in shown.err
        assert "2/3" in shown.err  # it was taken up after the first epoch
        assert "loss 1.250" in shown.err
        assert shown.out == ""
        assert not bar.bar.live.is_started


def test_further_processes_show_no_bar_and_a_bar_can_be_sent_to_them(capsys):
    bar = pickle.loads(pickle.dumps(EpochBar("baseline, seed 0")))
    bar.on_exception(Trainer(rank=1), Module(), Exception())  # before it began
    bar.on_train_start(Trainer(rank=1), Module())
    bar.on_train_epoch_end(Trainer(rank=1), Module())
    bar.on_train_end(Trainer(rank=1), Module())
    assert capsys.readouterr().err == ""


def test_dropout_draws_anew_in_every_epoch(alone, cpu, tmp_path):
    """Each epoch starts from its own random state, not from the same one."""
    module, batches = alone(Recipe(epochs=3, batch=32))
    states = []
    network = module.network
    network.register_forward_pre_hook(lambda *_: states.append(torch.get_rng_state().clone()))
    train(module, batches, tmp_path / "a.ckpt", cpu, "drawn")
    assert len(states) == 3
    assert not any(torch.equal(states[a], states[b]) for a in range(3) for b in range(a))
