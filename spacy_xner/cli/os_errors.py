"""Errors of the operating system in words: what must hold, what was found, what to do."""

import re

# The folder beside an output in which it is written, until it is complete.
WORKING_FOLDER = re.compile(r"\.(?P<name>[^/\\]+)\.spacy-xner[^/\\]*[/\\](?P=name)")
PROBLEMS = {
    FileNotFoundError: "{} must exist, found no such file or folder. Check the path.",
    FileExistsError: "{} must be a folder, found a file. Choose another path.",
    NotADirectoryError: "{} must be in a folder, found a file in place of a folder. Choose another path.",
    IsADirectoryError: "{} must be a file, found a folder. Name a file.",
    PermissionError: "{} must be accessible to you, found that it is not. Check its permissions.",
}


def explain_os_error(err: OSError) -> str:
    """Return the message of an error, in words if it is one of the operating system's about a file."""
    if err.errno is None or err.filename is None:
        return str(err)
    name = WORKING_FOLDER.sub(lambda match: match["name"], str(err.filename))
    if type(err) in PROBLEMS:
        return PROBLEMS[type(err)].format(name)
    return f"{name} must be readable and writable, found: {err.strerror}. Check the disk and the path."
