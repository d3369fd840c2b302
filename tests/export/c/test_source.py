"""The text of student.c and student.h: readable, and safe to paste labels into."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.c.package import load_student
from export.c.source import KERNELS, escape, header_text, kernel_text, source_text


@pytest.fixture(scope="module")
def student(conv_export):
    return load_student(conv_export.folder / "student.int8.tflite")


def test_every_layer_is_named_with_shape_and_macs(student):
    text = source_text(student)
    for layer in student.layers:
        operator = layer.operator
        macs = f", {operator.macs:,} MACs" if operator.macs else ""
        assert re.search(rf"{operator.index} {operator.name}: [\d x]+ -> [\d x]+{macs}", text)
    assert f"{student.graph.model.macs:,} multiply-accumulates" in text
    assert not re.search(r"@[A-Z0-9_]+@", text + header_text(student))


def test_only_needed_kernels_are_there(student):
    text = source_text(student)
    assert "KERNEL void softmax(" in text and "KERNEL void mul(" not in text


def test_labels_and_contract_are_in_the_header_and_the_source(student):
    assert "#define STUDENT_RATE_HZ 50.0f" in header_text(student)
    assert "#define STUDENT_WINDOW 64" in header_text(student)
    assert '"gr\\303\\266\\303\\237er"' in source_text(student)


@given(st.text(max_size=30))
def test_an_escaped_text_is_plain_and_means_the_same(text):
    escaped = escape(text)
    assert escaped.isascii() and '"' not in escaped
    assert re.sub(rb"\\(\d{3})", lambda m: bytes([int(m[1], 8)]), escaped.encode()) == text.encode()


def test_kernels_come_in_the_wheel():
    for name in KERNELS:
        assert kernel_text(name).strip(), name


def test_the_header_is_c_plus_plus_too(student, tmp_path):
    if shutil.which("c++") is None:
        pytest.skip("no C++ compiler")
    (tmp_path / "student.h").write_text(header_text(student))
    (tmp_path / "a.cpp").write_text('#include "student.h"\nint main() { return student_quantise(0.0f); }\n')
    command = ["c++", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", str(tmp_path / "a.cpp")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
