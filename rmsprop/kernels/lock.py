"""One lock around importing, compiling and trying kernels, which a fork waits for."""

import os
from threading import RLock

__all__ = ["LOCK"]

# A child forked meanwhile would wait for ever for locks of the import system and of compilers.
LOCK = RLock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release
    )
