"""The one exception of this room for unusable input."""


class InputError(Exception):
    """A file, name or option that edgehar cannot use: one sentence that says which, why and what to do.

    The command line turns it into exit code 2. Anything else that is raised is a bug.
    """
