"""Recordings: one file a data set, one way to prepare and split them."""

DATASETS = {
    "synthetic": "edgehar.data.synthetic:read",
    "utd-mhad": "edgehar.data.utd_mhad:read",
    "berkeley-mhad": "edgehar.data.berkeley_mhad:read",
    "mmact": "edgehar.data.mmact:read",
    "wisdm": "edgehar.data.wisdm:read",
}
