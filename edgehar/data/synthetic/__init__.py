"""The embedded data set: a moving body, what its wrist feels and what a depth camera sees of it."""

from edgehar.data.synthetic.body import EDGES, JOINTS
from edgehar.data.synthetic.recordings import read

__all__ = ["EDGES", "JOINTS", "read"]
