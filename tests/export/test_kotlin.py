"""Student.kt: the constants of the contract, and, where there is a compiler, a program that runs."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from export.contract import InputContract, TensorContract, read_contract
from export.errors import ExportError
from export.kotlin import student_kt
from export.push import stored

CONTRACT = InputContract(
    input=TensorContract("acc", (1, 4, 3), "int8", 0.4768552780151367, 37),
    output=TensorContract("scores", (1, 3), "int8", 0.00390625, -128),
    labels=("wave", 'the "$big" one', "größer"),
    window=4,
    framing="window",
    rate_hz=50.0,
    student="acc-small",
)
# Hands out the first bytes of what it is fed, so that a program shows what Student.kt feeds.
INTERPRETER = """package org.tensorflow.lite;
import java.nio.ByteBuffer;
public class Interpreter implements AutoCloseable {
  public static class Options { public Options setNumThreads(int n) { return this; } }
  public Interpreter(ByteBuffer model, Options options) {}
  public void run(Object input, Object output) {
    ByteBuffer from = (ByteBuffer) input, to = (ByteBuffer) output;
    for (int i = 0; i < to.capacity(); i++) to.put(i, from.get(i));
  }
  public void close() {}
}
"""
MAIN = """import edgehar.Student
import java.nio.ByteBuffer

fun main() {
    val student = Student(ByteBuffer.allocateDirect(0))
    println(student.scores(floatArrayOf(@VALUES@)).joinToString(" "))
    println(student.check(ByteArray(24) { it.toByte() }, byteArrayOf(0, 1, 2, 12, 13, 9)))
    println(Student.LABELS[1])
}
"""


def constant(text: str, name: str) -> str:
    return re.search(rf"va[lr] {name}(?:: \S+)? = (.*)", text)[1]


def test_its_constants_are_those_of_the_contract(conv_export):
    contract = read_contract(conv_export.folder / "student.int8.tflite")
    text = student_kt(contract, "student.int8.tflite")
    assert "@" not in text
    assert int(constant(text, "WINDOW")) == 64 and float(constant(text, "RATE_HZ")) == 50
    assert np.float32(constant(text, "INPUT_SCALE").rstrip("f")) == np.float32(contract.input.scale)
    assert int(constant(text, "INPUT_ZERO")) == contract.input.zero_point
    assert int(constant(text, "OUTPUT_ZERO")) == -128 and constant(text, "INT8") == "true"
    assert [
        json.loads(line.strip().rstrip(",")) for line in text.splitlines() if line.startswith(" " * 12 + '"')
    ] == [*contract.labels]


def test_whole_clips_have_no_rate_and_a_float_file_no_scales():
    bare = TensorContract("acc", (1, 4, 3), "float32")
    floats = dataclasses.replace(
        CONTRACT, input=bare, output=dataclasses.replace(bare, shape=(1, 3)), rate_hz=None
    )
    text = student_kt(floats, "student.tflite")
    assert constant(text, "RATE_HZ").startswith("null")
    assert constant(text, "INT8") == "false" and constant(text, "INPUT_SCALE") == "1.0f"


def test_other_borders_are_refused():
    wide = dataclasses.replace(CONTRACT.input, dtype="int16")
    with pytest.raises(ExportError, match="int16 borders"):
        student_kt(dataclasses.replace(CONTRACT, input=wide), "student.int16x8.tflite")


@pytest.mark.slow
def test_it_compiles_and_feeds_what_python_feeds(tmp_path, without):
    for program in ("kotlinc", "java"):
        if shutil.which(program) is None:
            without(f"{program} is not installed: apt-get install kotlin", unless="kotlin")
    values = np.array([-9.81, 0.3, 100, -100, 4.2, 0, 1, 2, 3, 4, 5, 6], np.float32)
    (tmp_path / "Interpreter.java").write_text(INTERPRETER)
    (tmp_path / "Student.kt").write_text(student_kt(CONTRACT, "student.int8.tflite"))
    told = ", ".join(f"{value}f" for value in values)
    (tmp_path / "Main.kt").write_text(MAIN.replace("@VALUES@", told))
    for command in (
        ["javac", "-d", "classes", "Interpreter.java"],
        ["kotlinc", "Student.kt", "Main.kt", "-cp", "classes", "-include-runtime", "-d", "main.jar"],
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    run = ["java", "-cp", "main.jar:classes", "MainKt"]
    lines = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    fed = np.frombuffer(stored(values, CONTRACT.input), np.int8)[:3].astype(float)
    assert [float(word) for word in lines[0].split()] == pytest.approx((fed + 128) / 256)
    assert lines[1:] == ["5", 'the "$big" one']
