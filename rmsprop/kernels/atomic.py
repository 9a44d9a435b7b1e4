"""How compiled threads agree who does what, and wait for each other: for Numba's loops."""

import ctypes
import functools
import sys

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["call", "fetch_and_add", "pause_address"]


@functools.cache
def pause_address() -> int:
    """Return the address of the function by which a thread lets others have its processor, or 0."""
    try:
        if sys.platform == "win32":
            function = ctypes.windll.kernel32.SwitchToThread
        else:
            function = ctypes.CDLL(None).sched_yield
    except (AttributeError, OSError):
        return 0
    return ctypes.cast(function, ctypes.c_void_p).value or 0


@intrinsic
def call(_, function):
    """Call a function of C without arguments, if there is one at the address."""
    word = ir.IntType(64)

    def generate(context, builder, signature, arguments):
        with builder.if_then(builder.icmp_unsigned("!=", arguments[0], word(0))):
            pointer = ir.FunctionType(ir.IntType(32), []).as_pointer()
            builder.call(builder.inttoptr(arguments[0], pointer), [])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def fetch_and_add(_, numbers, index, change):
    """Add to one of some numbers that threads share, and return what it was."""

    def generate(context, builder, signature, arguments):
        array = context.make_array(numbers)(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        return builder.atomic_rmw("add", place, arguments[2], "seq_cst")

    return types.int64(numbers, types.int64, types.int64), generate
