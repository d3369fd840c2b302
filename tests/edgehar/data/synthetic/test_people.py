import numpy as np
import pytest

from edgehar.data.synthetic import people
from edgehar.data.synthetic.motions import ACTIONS
from edgehar.data.synthetic.people import Draw

EVERYONE = [people.person(number) for number in range(1, people.SUBJECTS + 1)]
TIME = np.arange(0, 2.56, 0.005)


def test_people_differ_in_size_speed_reach_posture_and_strap():
    for values in (
        [who.build.thigh for who in EVERYONE],
        [who.tempo for who in EVERYONE],
        [who.reach for who in EVERYONE],
        [who.rest["right_elbow"] for who in EVERYONE],
        [who.strap[1, 1] for who in EVERYONE],
    ):
        assert len(set(values)) == people.SUBJECTS
        assert np.std(values) / abs(np.mean(values)) > 0.02


def test_straps_are_rotations_mostly_about_the_forearm():
    for who in EVERYONE:
        np.testing.assert_allclose(who.strap @ who.strap.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(who.strap) == pytest.approx(1)
        assert who.strap[0, 0] > 0.7


def test_a_person_is_the_same_whenever_asked():
    again = people.person(3)
    assert again.build == EVERYONE[2].build
    assert again.rest == EVERYONE[2].rest
    assert people.generator(Draw.BODY, 1, 2, 3).random() == people.generator(Draw.BODY, 1, 2, 3).random()
    assert people.generator(Draw.BODY, 1, 2, 3).random() != people.generator(Draw.SENSOR, 1, 2, 3).random()


def test_habits_are_a_persons_and_trials_vary():
    who, action = EVERYONE[0], ACTIONS[0]
    mine = people.habit(who, 0, action)
    assert mine == people.habit(who, 0, action)
    assert mine != people.habit(EVERYONE[1], 0, action)
    starts = {people.manner(who, 0, mine, trial).start for trial in range(1, people.TRIALS + 1)}
    assert len(starts) == people.TRIALS
    assert all(0.1 <= start <= 0.45 for start in starts)


def test_fidgeting_is_small_and_standing_is_in_view():
    rng = people.generator(Draw.BODY, 1)
    assert all(0 < np.abs(moved).max() < 0.4 for moved in people.fidget(rng, TIME).values())
    place, turn = people.stand(rng, TIME)
    assert place.shape == (len(TIME), 3)
    assert (place[:, 1] == -people.CAMERA_HEIGHT).all()
    assert np.ptp(place, axis=0).max() < 0.05
    assert abs(turn) < 1.2


def test_turned_follows_the_right_hand():
    quarter = people.turned([0, 0, np.pi / 2])
    np.testing.assert_allclose(quarter @ [1, 0, 0], [0, 1, 0], atol=1e-12)
