"""What the kernels are made of, to tell what was compiled from it from what was compiled before."""

import hashlib
from importlib import resources
from operator import attrgetter

__all__ = ["digest", "imported_digest"]


def digest() -> str:
    """Return a digest of all modules of the kernels, as they are on disk.

    Raises:
        OSError: if one cannot be read, or none is there.
    """
    files = sorted(resources.files("rmsprop.kernels").iterdir(), key=attrgetter("name"))
    texts = [file.read_bytes() for file in files if file.is_file() and file.name.endswith(".py")]
    if not texts:
        raise FileNotFoundError("the sources of rmsprop.kernels are not there to be read")
    return hashlib.sha256(b"".join(texts)).hexdigest()


def imported_digest() -> str:
    """Return the digest of the modules that this process has imported.

    Raises:
        OSError: if one cannot be read, or none is there.
        RuntimeError: if any has changed since the first was imported.
    """
    if digest() != _at_import:
        raise RuntimeError("the sources of rmsprop.kernels have changed since they were imported")
    return _at_import


try:
    _at_import = digest()
except Exception:  # whatever it is, it is asked for again
    _at_import = ""
