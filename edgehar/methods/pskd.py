"""PSKD: teachers that see a skeleton, alone or with the accelerometer, teach while they learn, by ACS.

Ni et al., "Progressive cross-modal knowledge distillation for human action recognition", ACM
Multimedia 2022. The paper prints no weights. L_S, a squared distance over all of an embedding, is a
thousand times the other terms at a weight of 1, as VSKD's is; see docs/choices.md.
"""

from edgehar.methods.method import Method

PSKD = Method(
    name="pskd",
    paper="Ni et al., Progressive cross-modal knowledge distillation for human action recognition,"
    " ACM Multimedia 2022",
    teachers=("skeleton", "fusion"),
    schedule="progressive",
    loss="acs",
    weights={"kd": 3.0, "confidence": 1.0, "semantic": 0.001},
)
