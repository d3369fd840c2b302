"""Arm without an Arm: the real runtime, or a student's C code, on an emulated core, counted to the unit.

`setup.set_up` fetches QEMU 7.2 and what it needs; `litert.run_litert` runs a `.tflite` file in the arm64
build of LiteRT; `cortex_m.run_cortex_m` compiles C sources and runs them on a Cortex-M; `cycles` turns
counts into cycles and says from where; `report.emulate` puts them into a cost report. docs/emulation.md.
"""
