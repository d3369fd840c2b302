"""What the columns of a file are, by headers that apps really write."""

from __future__ import annotations

import pytest

from edgehar.data.columns import roles
from edgehar.errors import InputError

PHYPHOX = (
    "Time (s),Acceleration x (m/s^2),Acceleration y (m/s^2),Acceleration z (m/s^2),Absolute acceleration"
)


@pytest.mark.parametrize(
    ("header", "modality", "time", "unit", "values"),
    [
        ("t,x,y,z", "acc", 0, None, [1, 2, 3]),
        ("x,y,z,unix_time", "acc", 3, None, [0, 1, 2]),
        ("time,seconds_elapsed,z,y,x", "acc", 0, None, [4, 3, 2]),  # Sensor Logger
        (PHYPHOX, "acc", 0, "s", [1, 2, 3]),
        ("epoch (ms),x-axis (g),y-axis (g),z-axis (g)", "acc", 0, "ms", [1, 2, 3]),  # MetaWear
        ("timestamp_ms,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z", "acc", 0, "ms", [1, 2, 3]),
        ("timestamp_ms,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z", "gyro", 0, "ms", [4, 5, 6]),
        ("t,ax,ay,az,gx,gy,gz", "gyro", 0, None, [4, 5, 6]),
        ("accX,accY,accZ", "acc", None, None, [0, 1, 2]),
        ("Timestamp (us),accelerometer.x,accelerometer.y,accelerometer.z", "acc", 0, "us", [1, 2, 3]),
        ("timestamp_ns,x,y,z,-", "acc", 0, "ns", [1, 2, 3]),
        ("time,east,north,up", "acc", 0, None, [1, 2, 3]),
    ],
)
def test_headers(header, modality, time, unit, values):
    names = tuple(header.split(","))
    found = roles(names, len(names), modality, "walk.csv")
    assert (found.time, found.time_unit, found.values) == (time, unit, values)


@pytest.mark.parametrize(("columns", "time", "values"), [(4, 0, [1, 2, 3]), (3, None, [0, 1, 2])])
def test_without_a_header_the_order_counts(columns, time, values):
    found = roles(None, columns, "acc", "walk.csv")
    assert (found.time, found.values) == (time, values)


def test_a_skeleton_takes_three_columns_a_joint():
    assert roles(None, 60, "skeleton", "").time is None
    assert roles(None, 61, "skeleton", "").values == list(range(1, 61))
    with pytest.raises(InputError, match="3 a joint"):
        roles(None, 62, "skeleton", "walk.csv")


@pytest.mark.parametrize("header", ["x,y", "t,a,b,c,d", "t,x,y,z,x2 x,y2 y,z2 z"])
def test_what_cannot_be_told_is_asked_for(header):
    names = tuple(header.split(","))
    with pytest.raises(InputError, match="the manifest's column `columns`"):
        roles(names, len(names), "acc", "walk.csv")
