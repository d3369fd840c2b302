from collections import Counter

import numpy as np
import pytest

from edgehar.data.clip import Clip, Recordings
from edgehar.data.source import divide
from edgehar.data.splits import SPLITS, folds, leak, natural, settle
from edgehar.errors import InputError


def recordings(subjects=(1, 2, 3, 4, 10), trials=(1, 2, 3), scenes=("a", "b"), splits=None, clips_of=None):
    """A clip for every subject, trial and scene; subject s repeats each clips_of[s] times."""
    clips = tuple(
        Clip(f"s{s}_t{t}_{scene}_{n}", 0, str(s), str(t), {}, session=f"day {t}", scene=scene)
        for s in subjects
        for t in trials
        for scene in scenes
        for n in range((clips_of or {}).get(s, 1))
    )
    return Recordings("memory", ("one",), clips, splits or {})


def of(data, chosen, by="subject"):
    return {getattr(clip, by) for clip, yes in zip(data.clips, chosen, strict=True) if yes}


@pytest.mark.parametrize(
    ("split", "by", "train"),
    [
        ("cross-subject", "subject", {"1", "3"}),
        ("cross-subject:odd", "subject", {"1", "3"}),
        ("cross-subject:even", "subject", {"2", "4", "10"}),
        ("cross-subject:2,10", "subject", {"2", "10"}),
        ("cross-subject: 2 , 10", "subject", {"2", "10"}),
        ("cross-trial", "trial", {"1", "2"}),
        ("cross-trial:3", "trial", {"3"}),
        ("cross-session", "session", {"day 1", "day 2"}),
        ("cross-session:day 3", "session", {"day 3"}),
        ("cross-scene", "scene", {"a"}),
        ("cross-scene:b", "scene", {"b"}),
        ("leave-one-subject-out:10", "subject", {"1", "2", "3", "4"}),
    ],
)
def test_who_trains_and_everybody_else_tests(split, by, train):
    data = recordings()
    (fold,) = folds(data, split)
    assert of(data, fold.train, by) == train
    assert of(data, fold.test, by) == of(data, [True] * len(data.clips), by) - train
    assert (fold.train ^ fold.test).all()


def test_subjects_with_names_are_taken_in_turns():
    data = recordings(subjects=("ann", "bea", "cid", "dan"))
    assert of(data, folds(data, "cross-subject")[0].train) == {"ann", "cid"}


def test_what_is_published_comes_before_the_table_and_an_argument_before_what_is_published():
    data = recordings(splits={"cross-subject": lambda clip: clip.subject in "12"})
    assert of(data, divide(data, "cross-subject")[0]) == {"1", "2"}
    assert of(data, divide(data, "cross-subject:odd")[0]) == {"1", "3"}


def test_every_subject_is_left_out_once_in_natural_order():
    data = recordings()
    made = folds(data, "leave-one-subject-out")
    assert [of(data, fold.test) for fold in made] == [{"1"}, {"2"}, {"3"}, {"4"}, {"10"}]
    for fold in made:  # the text of a fold means that fold alone
        (again,) = folds(data, fold.split)
        np.testing.assert_array_equal(again.train, fold.train)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_k_folds_keep_subjects_whole_and_test_everybody_once(count):
    data = recordings(clips_of={1: 4, 2: 2, 3: 1, 4: 1, 10: 1})
    made = folds(data, f"k-fold:{count}")
    assert len(made) == count
    assert np.sum([fold.test for fold in made], axis=0).tolist() == [1] * len(data.clips)
    for number, fold in enumerate(made, 1):
        assert not of(data, fold.train) & of(data, fold.test)
        (again,) = folds(data, f"k-fold:{count}:{number}")
        np.testing.assert_array_equal(again.test, fold.test)


def test_the_largest_subject_has_a_group_of_its_own():
    """Clips 24, 12, 6, 6, 6 in two groups: 24 + 6 and 12 + 6 + 6, worked by hand."""
    data = recordings(clips_of={1: 4, 2: 2, 3: 1, 4: 1, 10: 1})
    tested = [of(data, fold.test) for fold in folds(data, "k-fold:2")]
    assert tested == [{"1", "10"}, {"2", "3", "4"}]


def split_file(path, rows, header="clip,part"):
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_a_file_names_parts_and_who_is_not_in_it_takes_no_part(tmp_path):
    data = recordings()
    path = split_file(tmp_path / "my parts.csv", ["s1_t1_a_0,train", "s2_t1_a_0,test", "s2_t2_a_0, test "])
    (fold,) = folds(data, f"file:{path}")
    assert (fold.train.sum(), fold.test.sum()) == (1, 2)
    assert of(data, fold.test) == {"2"}


def test_a_settled_file_must_stay_as_it_is(tmp_path, monkeypatch):
    data = recordings()
    path = split_file(tmp_path / "parts.csv", ["s1_t1_a_0,train", "s2_t1_a_0,test"])
    monkeypatch.chdir(tmp_path)
    settled = settle(data, "file:parts.csv")
    assert settled.startswith(f"file:{path}#")
    monkeypatch.chdir("/")
    assert divide(data, settled)[0].sum() == 1
    split_file(path, ["s3_t1_a_0,train", "s2_t1_a_0,test"])
    with pytest.raises(InputError, match="is not what it was when the run began"):
        divide(data, settled)


@pytest.mark.parametrize(
    ("rows", "header", "sentence"),
    [
        (["s1_t1_a_0,train"], "name,part", "line 1: expected a header"),
        (["s1_t1_a_0,train", "s2_t1_a_0,both"], "clip,part", "line 3: 'both' is no part"),
        (["s1_t1_a_0,train", "s1_t1_a_0,test"], "clip,part", "line 3: clip 's1_t1_a_0' is in both parts"),
        (["nobody,train"], "clip,part", "line 2: memory has no clip 'nobody'"),
        (["s1_t1_a_0"], "clip,part", "line 2: '' is no part"),
    ],
)
def test_a_file_that_is_wrong_is_one_sentence_with_its_line(tmp_path, rows, header, sentence):
    path = split_file(tmp_path / "parts.csv", rows, header)
    with pytest.raises(InputError, match=sentence):
        settle(recordings(), f"file:{path}")


@pytest.mark.parametrize("name", ["file:", "file:nowhere.csv", "file:."])
def test_a_file_that_cannot_be_read_is_said(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"needs a path|cannot be read|--split file"):
        settle(recordings(), name)


def test_a_subject_in_both_parts_of_a_file_is_a_leak_and_so_is_one_in_a_published_split(tmp_path):
    data = recordings()
    path = split_file(tmp_path / "parts.csv", ["s1_t1_a_0,train", "s2_t1_a_0,train", "s2_t2_a_0,test"])
    assert leak(data, f"file:{path}") == "subject 2 both train and test"
    careless = recordings(splits={"cross-subject": lambda clip: clip.trial == "1"})
    assert leak(careless, "cross-subject") == "subject 1, 2, 3, 4, 10 both train and test"


@pytest.mark.parametrize("split", [name for name in SPLITS if name != "file"])
def test_no_split_of_the_table_leaks(split):
    assert leak(recordings(), split) is None


@pytest.mark.parametrize(
    ("split", "sentence"),
    [
        ("cross-subjects", "Did you mean 'cross-subject'"),
        ("cross-subject:1,7", "has no subject '7': it has 1, 2, 3, 4, 10"),
        ("leave-one-subject-out:1,2", "names 2 subjects"),
        ("k-fold:9", "which has 5 subjects: choose 2 to 5 groups"),
        ("k-fold:1", "choose 2 to 5 groups"),
        ("k-fold:3:4", "choose 2 to 5 groups"),
        ("k-fold:many", "is no k-fold split"),
        ("published:1", "takes no argument"),
    ],
)
def test_a_split_that_cannot_be_is_one_sentence(split, sentence):
    with pytest.raises(InputError, match=sentence):
        settle(recordings(splits={"published": lambda clip: clip.trial == "1"}), split)


def test_clips_that_name_no_session_cannot_be_divided_by_it():
    clips = (Clip("a", 0, "1", "1", {}), Clip("b", 0, "2", "1", {}, session="1"))
    with pytest.raises(InputError, match="1 of 2 clips name no session"):
        folds(Recordings("memory", ("one",), clips, {}), "cross-session")


def test_one_subject_alone_cannot_be_left_out():
    with pytest.raises(InputError, match="one subject alone"):
        folds(recordings(subjects=(1,)), "leave-one-subject-out")


def test_a_split_of_several_folds_is_divided_fold_by_fold():
    with pytest.raises(InputError, match=r"has 5 folds: name one, such as leave-one-subject-out:1\."):
        divide(recordings(), "leave-one-subject-out")


def test_without_a_name_the_published_default_or_cross_subject():
    assert settle(recordings(), None) == "cross-subject"
    assert settle(recordings(splits={"own": lambda clip: clip.trial == "1"}), None) == "own"


def test_numbers_in_names_sort_as_numbers():
    assert sorted(["s10", "s2", "10", "9", "b"], key=natural) == ["9", "10", "b", "s2", "s10"]
    assert Counter(natural("s2x10")) == Counter(natural("s02x10"))
