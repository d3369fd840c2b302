import numpy as np
import pytest

from edgehar.data import synthetic, utd_mhad
from edgehar.errors import InputError
from edgehar.models.graphs import COCO, GRAPHS, KINECT, NTU, Graph, graph_of

# A body of five joints, 0 its centre, whose joints 3 and 4 are bound into a ring:
#   1 - 0 - 2,  2 - 3,  2 - 4,  3 - 4
RING = Graph(
    joints=("a", "b", "c", "d", "e"),
    bones=(("b", "a"), ("a", "c"), ("c", "d"), ("e", "c"), ("d", "e")),
    centre="a",
    origin=("a",),
)


def bones(graph):
    return {frozenset(bone) for bone in graph.bones}


@pytest.mark.parametrize("name", GRAPHS)
def test_a_table_is_a_tree_of_all_its_joints(name):
    graph = GRAPHS[name]
    assert len(set(graph.joints)) == len(graph.joints)
    assert len(bones(graph)) == len(graph.bones) == len(graph.joints) - 1
    assert (graph.distances() >= 0).all()


@pytest.mark.parametrize("name", GRAPHS)
def test_left_and_right_are_alike(name):
    graph = GRAPHS[name]
    other = {"left": "right", "right": "left"}

    def mirrored(joint):
        side, _, rest = joint.partition("_")
        return f"{other[side]}_{rest}" if side in other else joint

    assert {frozenset(map(mirrored, bone)) for bone in bones(graph)} == bones(graph)


def test_kinects_joints_are_those_of_the_readers():
    assert KINECT.joints == utd_mhad.JOINTS == synthetic.JOINTS
    assert {frozenset(edge) for edge in KINECT.edges()} == {frozenset(edge) for edge in synthetic.EDGES}


def test_ntus_bones_are_the_published_ones_but_for_the_finger_tips():
    """2s-AGCN's table, from 1: child, parent."""
    published = (
        "1 2, 2 21, 3 21, 4 3, 5 21, 6 5, 7 6, 8 7, 9 21, 10 9, 11 10, 12 11, 13 1, 14 13, 15 14, 16 15, "
        "17 1, 18 17, 19 18, 20 19, 22 8, 23 8, 24 12, 25 12"
    )
    parents = NTU.parents()
    assert NTU.joints[20] == NTU.centre
    for pair in published.split(", "):
        child, parent = map(int, pair.split())
        assert parents[child - 1] == parent - 1


def test_cocos_bones_are_the_published_ones():
    """pyskl's table, from 0: child, parent."""
    published = "15 13, 13 11, 16 14, 14 12, 11 5, 12 6, 9 7, 7 5, 10 8, 8 6, 5 0, 6 0, 1 0, 3 1, 2 0, 4 2"
    parents = COCO.parents()
    for pair in published.split(", "):
        child, parent = map(int, pair.split())
        assert parents[child] == parent


def test_the_ways_of_a_small_body_by_hand():
    itself, near, far = RING.adjacency()
    half = 1 / 2  # d and e hear themselves and each other: two neighbours equally far
    np.testing.assert_allclose(
        itself,
        [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, half, half], [0, 0, 0, half, half]],
    )
    # Columns hear: b and c hear a; d and e hear c.
    np.testing.assert_allclose(
        near, [[0, 1, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 1, 1], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    )
    # a hears b and c, half each; c hears d and e.
    np.testing.assert_allclose(
        far,
        [[0, 0, 0, 0, 0], [0.5, 0, 0, 0, 0], [0.5, 0, 0, 0, 0], [0, 0, 0.5, 0, 0], [0, 0, 0.5, 0, 0]],
    )


@pytest.mark.parametrize("graph", [*GRAPHS.values(), RING], ids=[*GRAPHS, "ring"])
def test_what_a_joint_hears_adds_up_to_one_in_each_way(graph):
    ways = graph.adjacency()
    assert ways.dtype == np.float32
    np.testing.assert_allclose(ways[0].sum(0), 1)
    centre = graph.joints.index(graph.centre)
    assert ways[1][:, centre].sum() == 0
    np.testing.assert_allclose(np.delete(ways[1].sum(0), centre), 1)
    sums = ways[2].sum(0)
    assert ((sums == 0) | (np.abs(sums - 1) < 1e-6)).all()


def test_distances_and_parents_by_hand():
    assert RING.distances().tolist() == [0, 1, 1, 2, 2]
    assert RING.parents() == [0, 0, 0, 2, 2]


@pytest.mark.parametrize("name", GRAPHS)
def test_the_number_of_joints_tells_the_table(name):
    assert graph_of(len(GRAPHS[name].joints)) == name


@pytest.mark.parametrize("joints", [0, 1, 18, 40])
def test_a_number_without_a_table_is_refused(joints):
    with pytest.raises(InputError, match=f"{joints} joints has no table") as error:
        graph_of(joints)
    assert "20 (kinect), 25 (ntu), 17 (coco)" in str(error.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"bones": (("a", "b"), ("b", "x"))}, "no joint is called 'x'"),
        ({"centre": "y"}, "no joint is called 'y'"),
        ({"origin": ("z",)}, "no joint is called 'z'"),
        ({"bones": (("a", "b"),)}, "no bones lead from a to c"),
    ],
)
def test_a_table_that_cannot_be_is_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        Graph(
            **{"joints": ("a", "b", "c"), "bones": (("a", "b"), ("b", "c")), "centre": "a", "origin": ("a",)}
            | changes
        )
