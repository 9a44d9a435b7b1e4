"""``python -m rmsprop``: the command line, in the environment that every command gets."""

import sys

from rmsprop.records.repository import find_root
from rmsprop.sealed import execute

if __name__ == "__main__":
    if root := find_root():
        execute(root, sys.executable, "-m", "rmsprop.commands", *sys.argv[1:])
    from rmsprop.commands import main

    sys.exit(main())
