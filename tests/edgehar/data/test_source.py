import pytest

from edgehar.data.source import default_folder, divide, open_recordings
from edgehar.data.utd_mhad import read
from edgehar.errors import InputError


def test_a_data_set_is_opened_by_name_from_the_folder_given(utd_mhad):
    recordings = open_recordings("utd-mhad", utd_mhad)
    assert recordings.name == "utd-mhad"
    assert len(recordings.clips) == 32
    assert len(open_recordings("utd-mhad", str(utd_mhad)).clips) == 32


def test_an_unknown_name_suggests_the_nearest(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'utd-mhad'"):
        open_recordings("utd-mahd", tmp_path)


def test_the_environment_says_where_recordings_lie(utd_mhad, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGEHAR_DATA", str(utd_mhad.parent))
    assert default_folder("utd-mhad") == utd_mhad  # spelt as the folder is
    assert len(open_recordings("utd-mhad").clips) == 32


def test_without_it_they_lie_in_data(utd_mhad, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDGEHAR_DATA", raising=False)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "UTD-MHAD").symlink_to(utd_mhad)
    assert len(open_recordings("utd-mhad").clips) == 32


def test_where_nothing_is_the_sentence_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGEHAR_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="nowhere/utd-mhad is not a folder"):
        open_recordings("utd-mhad")


def ids(recordings, chosen):
    return {clip.id for clip, yes in zip(recordings.clips, chosen, strict=True) if yes}


def test_every_clip_is_in_one_part(utd_mhad):
    recordings = read(utd_mhad)
    train, test = divide(recordings, "cross-subject")
    assert (train ^ test).all()
    assert {clip.subject for clip in recordings.clips if clip.id in ids(recordings, train)} == {"1", "3"}


def test_a_held_out_subject_is_tested_on_and_the_test_subjects_are_not_seen(utd_mhad):
    recordings = read(utd_mhad)
    train, test = divide(recordings, "cross-subject", hold_out="3")
    subjects = {clip.id: clip.subject for clip in recordings.clips}
    assert {subjects[i] for i in ids(recordings, train)} == {"1"}
    assert {subjects[i] for i in ids(recordings, test)} == {"3"}
    assert train.sum() == test.sum() == 8


def test_holding_out_across_trials_uses_training_trials_alone(tmp_path, write_recordings):
    write_recordings(tmp_path, ["Inertial"], actions=(1,), subjects=(1, 2), trials=(1, 2, 3, 4))
    recordings = read(tmp_path)
    train, test = divide(recordings, "cross-trial", hold_out="2")
    assert ids(recordings, train) == {"a1_s1_t1", "a1_s1_t2"}
    assert ids(recordings, test) == {"a1_s2_t1", "a1_s2_t2"}


@pytest.mark.parametrize("subject", ["2", "9", ""])
def test_who_does_not_train_cannot_be_held_out(utd_mhad, subject):
    with pytest.raises(InputError, match="hold out one of 1, 3"):
        divide(read(utd_mhad), "cross-subject", hold_out=subject)


def test_an_unknown_split_suggests_the_nearest(utd_mhad):
    with pytest.raises(InputError, match="Did you mean 'cross-subject'"):
        divide(read(utd_mhad), "cross-subjects")


@pytest.mark.parametrize("subjects", [(1, 3), (2, 4)])
def test_a_part_without_a_clip_is_said(tmp_path, write_recordings, subjects):
    write_recordings(tmp_path, ["Inertial"], subjects=subjects)
    with pytest.raises(InputError, match="no clip is left to train on or to test on"):
        divide(read(tmp_path), "cross-subject")


def test_holding_out_the_only_training_subject_leaves_nobody(tmp_path, write_recordings):
    write_recordings(tmp_path, ["Inertial"], subjects=(1, 2))
    with pytest.raises(InputError, match="no clip is left"):
        divide(read(tmp_path), "cross-subject", hold_out="1")
