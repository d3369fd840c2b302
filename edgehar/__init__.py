"""edgehar: teachers that see teach students that feel."""

__version__ = "0.1.0"
