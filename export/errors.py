"""The one exception of this room for unusable input."""


class ExportError(Exception):
    """A run, model file or folder that export cannot use: one sentence with which, why and what to do.

    The command line turns it into exit code 2. Anything else that is raised is a bug.
    """
