"""The systems: a frozen record each, named here."""

from edgehar.methods.method import Method
from edgehar.methods.vskd import VSKD

METHODS: dict[str, Method] = {"vskd": VSKD}

__all__ = ["METHODS", "Method"]
