"""VSKD: a teacher that watches video teaches a student that feels motion, by the DASK loss.

Ni et al., "Cross-modal knowledge distillation for vision-to-sensor action recognition", ICASSP 2022.
"""

from edgehar.methods.method import Method

VSKD = Method(
    name="vskd",
    paper="Ni et al., Cross-modal knowledge distillation for vision-to-sensor action recognition,"
    " ICASSP 2022",
    teachers=("depth", "rgb"),
    schedule="pretrained",
    loss="dask",
)
