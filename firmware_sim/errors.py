"""The one exception of this room for unusable input."""


class SimError(Exception):
    """A model file, profile or array that cannot be measured.

    One sentence that says which, why and what to do. The command line turns it into exit code 2.
    Anything else that is raised is a bug.
    """
