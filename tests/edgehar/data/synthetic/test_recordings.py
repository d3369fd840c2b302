import subprocess
import sys

import numpy as np
import pytest

from edgehar.data.synthetic import EDGES, JOINTS, read, recordings, wrist
from edgehar.data.synthetic.people import person
from edgehar.data.synthetic.recordings import KEYS, Key, feel, film, move, track

WRIST = JOINTS.index("right_wrist")
PERFECT = wrist.Flaws(acc_noise=0, acc_bias=0, gyro_noise=0, gyro_bias=0)
SOME = [Key(0, 1, 1), Key(3, 2, 4), Key(6, 4, 3), Key(10, 5, 2), Key(11, 8, 1)]
INSTANTS = slice(recordings._MARGIN, -recordings._MARGIN, 4)  # the fine instants that are samples


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEHAR_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def whole(cache):
    """All clips with their acc, made once."""
    data = read()
    return data, np.stack([clip.streams["acc"]().values for clip in data.clips])


@pytest.fixture
def few(monkeypatch, tmp_path):
    """A data set of five clips with a cache of its own."""
    monkeypatch.setenv("EDGEHAR_CACHE", str(tmp_path))
    monkeypatch.setattr(recordings, "KEYS", tuple(SOME))
    return tmp_path / "synthetic"


def test_twelve_actions_by_eight_people_in_four_trials(whole):
    data, _ = whole
    assert (data.name, len(data.labels), len(data.clips)) == ("synthetic", 12, 384)
    assert len({clip.id for clip in data.clips}) == 384
    assert data.clips[0].id == "a1_s1_t1"
    counts = np.bincount([clip.label for clip in data.clips])
    assert counts.tolist() == [32] * 12
    assert {clip.subject for clip in data.clips} == set("12345678")
    assert {clip.trial for clip in data.clips} == set("1234")


def test_splits_divide_by_subject_and_by_trial(whole):
    data, _ = whole
    train = {name: {c.id for c in data.clips if rule(c)} for name, rule in data.splits.items()}
    assert {name: len(ids) for name, ids in train.items()} == {"cross-subject": 192, "cross-trial": 192}
    assert {c.subject for c in data.clips if c.id in train["cross-subject"]} == set("1357")
    assert {c.trial for c in data.clips if c.id in train["cross-trial"]} == set("12")


def test_streams_have_the_shapes_types_rates_and_units_of_the_contract(few):
    clip = read().clips[0]
    found = {name: clip.streams[name]() for name in clip.streams}
    assert {n: (s.values.shape, str(s.values.dtype), s.rate_hz, s.unit) for n, s in found.items()} == {
        "acc": ((128, 3), "float32", 50.0, "m/s^2"),
        "gyro": ((128, 3), "float32", 50.0, "rad/s"),
        "skeleton": ((128, 20, 3), "float32", 50.0, "m"),
        "depth": ((32, 64, 48, 1), "uint8", 12.5, "5 m / 255"),
    }
    assert len(EDGES) == len(JOINTS) - 1 == 19


def test_nothing_is_missing_wild_or_repeated(whole):
    data, acc = whole
    motion = {name: np.stack([c.streams[name]().values for c in data.clips]) for name in ("gyro", "skeleton")}
    assert np.isfinite(acc).all()
    assert all(np.isfinite(values).all() for values in motion.values())
    assert np.abs(acc).max() <= np.float32(wrist.ACC_RANGE)
    assert (np.abs(acc).max(axis=(1, 2)) >= 150).mean() < 0.01  # hardly any clip saturates
    depth = motion["skeleton"][..., 2]
    assert depth.min() > 1.0
    assert depth.max() < 4.0
    assert len({clip.tobytes() for clip in acc}) == len(acc)


def test_a_clip_begins_at_rest_and_then_gravity_is_felt(whole):
    _, acc = whole
    length = np.linalg.norm(acc[:, :5], axis=2).mean(axis=1)
    assert np.median(length) == pytest.approx(9.81, abs=0.1)
    assert np.abs(length - 9.81).max() < 2.0


@pytest.mark.parametrize("key", SOME, ids=str)
def test_acceleration_is_the_second_derivative_of_the_wrists_path(key):
    body = move(key)
    acc, _ = feel(key, body, PERFECT)
    attitude = (body.wrist @ person(key.subject).strap)[INSTANTS]
    path = body.joints[INSTANTS, WRIST]
    felt = np.einsum("nij,nj->ni", attitude, acc) - [0, 9.81, 0]
    derived = (path[2:] - 2 * path[1:-1] + path[:-2]) * 50.0**2
    # The difference over 40 ms and the sensor's low-pass blur fast movement: 5 % in the mean.
    assert np.linalg.norm(felt[1:-1] - derived) < 0.05 * np.linalg.norm(derived)


@pytest.mark.parametrize("key", SOME, ids=str)
def test_integrated_twice_it_leads_back_along_the_path(key):
    body = move(key)
    acc, _ = feel(key, body, PERFECT)
    fine = body.joints[:, WRIST]
    start = (fine[recordings._MARGIN + 1] - fine[recordings._MARGIN - 1]) * 100
    felt = np.einsum("nij,nj->ni", (body.wrist @ person(key.subject).strap)[INSTANTS], acc) - [0, 9.81, 0]

    def integral(values, first):
        return first + np.concatenate([np.zeros((1, 3)), np.cumsum(values[1:] + values[:-1], axis=0) / 100])

    path = integral(integral(felt, start), fine[recordings._MARGIN])
    assert np.abs(path - fine[INSTANTS]).max() < 0.05


@pytest.mark.parametrize("key", SOME, ids=str)
def test_the_gyro_turns_each_attitude_into_the_next(key):
    body = move(key)
    _, gyro = feel(key, body, PERFECT)
    attitude = (body.wrist @ person(key.subject).strap)[INSTANTS]
    turn = np.einsum("nji,njk->nik", attitude[:-1], attitude[1:])
    angle = np.arccos(np.clip((np.trace(turn, axis1=1, axis2=2) - 1) / 2, -1, 1))
    speed = np.linalg.norm(gyro[1:] + gyro[:-1], axis=1) / 2
    np.testing.assert_allclose(speed, angle * 50, atol=0.3)


def test_the_watch_is_worn_as_its_owner_wears_it():
    """What two straps feel of one movement differs by the rotation between the straps."""
    key = Key(0, 1, 1)
    body = move(key)
    one, _ = feel(key, body, PERFECT)
    other, _ = feel(Key(0, 2, 1), body, PERFECT)
    between = person(1).strap.T @ person(2).strap
    np.testing.assert_allclose(one @ between, other, atol=1e-4)
    assert np.abs(one - other).max() > 1


def test_tracked_joints_are_near_the_true_ones_but_not_the_same():
    key = Key(4, 3, 2)
    body = move(key)
    error = np.linalg.norm(track(key, body) - body.joints[INSTANTS], axis=2)
    assert 0.02 < error.mean() < 0.12
    assert error.max() < 0.4


def test_the_video_shows_the_hand_where_the_skeleton_has_it():
    key = Key(0, 1, 1)
    body = move(key)
    video = film(key, body)[..., 0] * (5.0 / 255)
    hand = body.joints[INSTANTS][::4, JOINTS.index("right_hand")]
    rows = np.floor(32 - 78 * hand[:, 1] / hand[:, 2]).astype(int)
    columns = np.floor(24 - 78 * hand[:, 0] / hand[:, 2]).astype(int)
    seen = video[np.arange(32), rows, columns]
    assert (seen < hand[:, 2] + 0.06).all()


def test_another_process_makes_the_same_to_the_bit(whole, tmp_path):
    _, acc = whole
    code = (
        "import sys; from edgehar.data.synthetic import recordings as r, wrist\n"
        "for key in r.KEYS[100:103]:\n"
        "    body = r.move(key)\n"
        "    sys.stdout.buffer.write(r.feel(key, body, wrist.Flaws())[0].tobytes())\n"
        "    sys.stdout.buffer.write(r.film(key, body).tobytes())\n"
        "assert 'torch' not in sys.modules"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    here = b"".join(
        acc[row].tobytes() + film(KEYS[row], move(KEYS[row])).tobytes() for row in range(100, 103)
    )
    assert said == here


def test_the_second_reading_comes_from_the_cache(few, monkeypatch):
    first = [clip.streams[name]().values for clip in read().clips for name in ("acc", "depth")]
    assert sorted(path.name for path in few.iterdir()) == ["film-1.npz", "motion-1.npz"]
    monkeypatch.setattr(recordings, "_MAKERS", {})
    second = [clip.streams[name]().values for clip in read().clips for name in ("acc", "depth")]
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("harm", ["cut", "bit", "empty", "text", "other"])
def test_a_damaged_cache_file_is_made_again(few, harm, recwarn):
    acc = [clip.streams["acc"]().values for clip in read().clips]
    path = few / "motion-1.npz"
    whole = path.read_bytes()
    if harm == "other":
        np.savez(path, gyro=np.zeros(3))
    else:
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 1
        path.write_bytes({"cut": whole[:-500], "bit": bytes(flipped), "empty": b"", "text": b"hello"}[harm])
    again = [clip.streams["acc"]().values for clip in read().clips]
    assert all((a == b).all() for a, b in zip(acc, again, strict=True))
    assert path.read_bytes() == whole
    assert not [str(warning.message) for warning in recwarn.list]


def test_without_room_for_the_cache_it_works_and_says_so(few):
    few.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match=r"motion-1\.npz could not be written"):
        assert read().clips[0].streams["acc"]().values.shape == (128, 3)


def test_the_right_wrist_tells_something_of_every_action_and_not_all(whole):
    """The nearest clip of another person, after a short blur: far above chance (8 %), far from perfect."""
    data, acc = whole
    labels = np.array([clip.label for clip in data.clips])
    train = np.array([data.splits["cross-subject"](clip) for clip in data.clips])
    spectra = np.abs(np.fft.rfft(acc - acc.mean(axis=1, keepdims=True), axis=1))[:, 1:20]
    features = np.concatenate([np.sqrt(spectra).reshape(384, -1), 2 * acc.mean(axis=1)], axis=1)
    away = np.linalg.norm(features[~train, None] - features[None, train], axis=2)
    right = labels[train][away.argmin(axis=1)] == labels[~train]
    assert 0.4 < right.mean() < 0.9


def test_values_change_only_with_the_version(whole):
    """If this fails, the values are new: raise VERSION, then write the new ones here."""
    data, acc = whole
    depth = film(KEYS[77], move(KEYS[77]))
    assert data.version == "1"
    np.testing.assert_allclose(acc[200, 60], GOLDEN_ACC, atol=1e-3)
    assert acc.std() == pytest.approx(GOLDEN_STD, abs=1e-4)
    assert depth.mean() == pytest.approx(GOLDEN_DEPTH, abs=0.05)


GOLDEN_ACC, GOLDEN_STD, GOLDEN_DEPTH = (-10.225393, 20.456413, 12.387579), 10.391175, 184.61755
