"""The systems: a frozen record each, named here."""

from edgehar.methods.method import Method
from edgehar.methods.pskd import PSKD
from edgehar.methods.vskd import VSKD

METHODS: dict[str, Method] = {"vskd": VSKD, "pskd": PSKD}

__all__ = ["METHODS", "Method"]
