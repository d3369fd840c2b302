"""Recordings: one file a data set, one way to prepare and split them."""

DATASETS = {
    "synthetic": "edgehar.data.synthetic:read",
    "utd-mhad": "edgehar.data.utd_mhad:read",
}
