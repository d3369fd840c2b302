"""VSKD: a teacher that watches video teaches a student that feels motion, by the DASK loss.

Ni et al., "Cross-modal knowledge distillation for vision-to-sensor action recognition", ICASSP 2022.
Where no camera was, a teacher that feels at several places stands in for it.
The paper prints no weights. On held-out training subjects soft targets at 3 were better than at 1, and RKD's
weights for distance and angle (25, 50) took away what these gave; see docs/choices.md.
"""

from edgehar.methods.method import Method

VSKD = Method(
    name="vskd",
    paper="Ni et al., Cross-modal knowledge distillation for vision-to-sensor action recognition,"
    " ICASSP 2022",
    teachers=("depth", "rgb", "sensors"),
    schedule="pretrained",
    loss="dask",
    weights={"kd": 3.0, "distance": 1.0, "angle": 2.0, "semantic": 0.001},
)
