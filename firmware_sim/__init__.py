"""What a model file costs on a small device: reads `.tflite` files, plans arenas, runs files, measures.

Needs a model file, a device profile and arrays; never torch, never edgehar. Estimating needs no runtime.
"""

from firmware_sim.errors import SimError
from firmware_sim.profile import profile_names, read_profile

__all__ = ["SimError", "profile_names", "read_profile"]
