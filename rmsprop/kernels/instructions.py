"""Instructions that Numba has no function for: those of LLVM, as the loops of kernels use them."""

from llvmlite import ir
from numba import types
from numba.core.cgutils import alloca_once
from numba.extending import intrinsic

from rmsprop.kernels.rounding import FACTORS

__all__ = [
    *("BLOCK", "as_real", "called", "kept", "keyed", "lower_bits", "mixed", "narrowed"),
    *("never_overlap", "pointer", "prefer_wide_vectors", "prefetch", "scratch", "widened"),
]

# Elements that are computed at a time, and bytes that a cache has in one piece.
BLOCK, LINE = 32, 64


@intrinsic
def prefer_wide_vectors(_):
    """Have LLVM use vectors of 512 bits in the function that calls this, where there are any.

    By itself it prefers 256 bits on processors whose clock wider ones slow down.
    """

    def generate(context, builder, signature, arguments):
        # The set's own method takes only names that llvmlite knows.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def never_overlap(_):
    """Tell LLVM that no two pointers that are given to the function that calls this overlap."""

    def generate(context, builder, signature, arguments):
        for argument in builder.function.args[2:]:  # the first two are Numba's own
            if isinstance(argument.type, ir.PointerType):
                argument.add_attribute("noalias")
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def prefetch(_, pointer, start):
    """Ask for the memory of the block that begins at an element.

    Whatever is there: the instruction has no effect but on caches, and cannot fail.
    """

    def generate(context, builder, signature, arguments):
        number, byte = ir.IntType(32), ir.IntType(8)
        first = builder.bitcast(builder.gep(arguments[0], [arguments[1]]), byte.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [first.type, number, number, number])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [first.type], kind)
        size = BLOCK * context.get_abi_sizeof(context.get_data_type(pointer.dtype))
        for line in range(0, size, LINE):
            # To be read, to be kept in all caches, and data.
            options = number(0), number(3), number(1)
            builder.call(ask, [builder.gep(first, [number(line)]), *options])
        return context.get_dummy_value()

    return types.void(pointer, start), generate


@intrinsic
def scratch(_, like):
    """Point to room for the numbers of a block, in the frame of the function that calls this."""
    result = types.CPointer(like)

    def generate(context, builder, signature, arguments):
        numbers = ir.ArrayType(context.get_data_type(like), BLOCK)
        return builder.bitcast(alloca_once(builder, numbers), context.get_value_type(result))

    return result(like), generate


@intrinsic
def called(_, function, argument):
    """Return what a function of C at an address makes of the address of an object."""
    word = ir.IntType(64)

    def generate(context, builder, signature, arguments):
        pointer = ir.FunctionType(word, [word]).as_pointer()
        return builder.call(builder.inttoptr(arguments[0], pointer), [arguments[1]])

    return types.int64(types.int64, types.int64), generate


@intrinsic
def pointer(_, address, index, like):
    """Point to an element of the array at an address, of numbers like this one."""
    result = types.CPointer(like)

    def generate(context, builder, signature, arguments):
        start = builder.inttoptr(arguments[0], context.get_value_type(result))
        return builder.gep(start, [arguments[1]])

    return result(types.int64, types.int64, like), generate


@intrinsic
def as_real(_, number, like):
    """Return a number in the precision of another."""

    def generate(context, builder, signature, arguments):
        return context.cast(builder, arguments[0], number, like)

    return like(number, like), generate


@intrinsic
def widened(_, number):
    """Return a stored number as one to compute with, exactly."""
    if isinstance(number, types.Float):
        return number(number), lambda context, builder, signature, arguments: arguments[0]
    bits32 = ir.IntType(32)

    def generate(context, builder, signature, arguments):
        if number == types.int16:
            half = builder.bitcast(arguments[0], ir.HalfType())
            return builder.fpext(half, ir.FloatType())
        bits = builder.shl(builder.zext(arguments[0], bits32), bits32(16))
        return builder.bitcast(bits, ir.FloatType())

    return types.float32(number), generate


@intrinsic
def narrowed(_, number, storage):
    """Return a computed number as it is stored, rounded to nearest and in a tie to even."""
    signature = storage(number, storage)
    if isinstance(storage, types.Float):
        return signature, lambda context, builder, signature, arguments: arguments[0]
    bits32 = ir.IntType(32)

    def generate(context, builder, signature, arguments):
        if storage == types.int16:
            half = builder.fptrunc(arguments[0], ir.HalfType())
            return builder.bitcast(half, ir.IntType(16))
        bits = builder.bitcast(arguments[0], bits32)
        odd = builder.and_(builder.lshr(bits, bits32(16)), bits32(1))
        rounded = builder.add(bits, builder.add(odd, bits32(0x7FFF)))
        is_nan = builder.fcmp_unordered("uno", arguments[0], arguments[0])
        chosen = builder.select(is_nan, bits32(0x7FC00000), rounded)
        return builder.trunc(builder.lshr(chosen, bits32(16)), ir.IntType(16))

    return signature, generate


@intrinsic
def kept(_, number, bits, state):
    """Return a computed number as the state has it: `rounding.round_stochastically`."""
    signature = state(number, bits, state)
    if isinstance(state, types.Float):
        return signature, lambda context, builder, signature, arguments: arguments[0]
    bits32 = ir.IntType(32)

    def generate(context, builder, signature, arguments):
        single = context.cast(builder, arguments[0], number, types.float32)
        random = context.cast(builder, arguments[1], bits, types.uint32)
        word = builder.add(builder.bitcast(single, bits32), random)
        is_nan = builder.fcmp_unordered("uno", single, single)
        chosen = builder.select(is_nan, bits32(0x7FC00000), word)
        return builder.trunc(builder.lshr(chosen, bits32(16)), ir.IntType(16))

    return signature, generate


@intrinsic
def keyed(_, first, offset, key):
    """Return ``(first + offset) ^ key`` of lower 32 bits, of which vectors hold twice as many."""

    def generate(context, builder, signature, arguments):
        *places, key = (
            context.cast(builder, each, of, types.uint32)
            for each, of in zip(arguments, signature.args, strict=True)
        )
        return builder.xor(builder.add(*places), key)

    return types.uint32(first, offset, key), generate


@intrinsic
def lower_bits(_, word):
    """Return the other 16 random bits of a hash, in 32 bits all the way too."""
    bits32 = ir.IntType(32)

    def generate(context, builder, signature, arguments):
        word = context.cast(builder, arguments[0], signature.args[0], types.uint32)
        folded = builder.xor(word, builder.lshr(word, bits32(16)))
        return builder.and_(folded, bits32(0xFFFF))

    return types.uint32(word), generate


@intrinsic
def mixed(_, number):
    """Return the hash of `rounding`, of the lower 32 bits of a number."""
    bits32 = ir.IntType(32)

    def generate(context, builder, signature, arguments):
        word = context.cast(builder, arguments[0], number, types.uint32)
        word = builder.mul(word, bits32(FACTORS[0]))
        word = builder.xor(word, builder.lshr(word, bits32(16)))
        return builder.mul(word, bits32(FACTORS[1]))

    return types.uint32(number), generate
