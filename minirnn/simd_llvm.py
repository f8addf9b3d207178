"""The vector type of ``simd.py`` as numba and LLVM see it: a type, its place in memory, and one instruction per function.

Comes in: numba types. Goes out: intrinsics with the names, arguments and meaning that ``simd.py`` documents. Imported only when
kernels are compiled.

Source: numba's documentation, "Extending Numba" (low-level API); the LLVM Language Reference (fma, rint, sqrt, masked loads and stores).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic as numba_intrinsic
from numba.extending import lower_builtin, models, register_model

intrinsic: Any = numba_intrinsic  # its own annotation keeps the typing context among the arguments of a call

FLOATS = (types.float32, types.float64)
COUNTS = (2, 4, 8, 16, 32)
I32, I64 = ir.IntType(32), ir.IntType(64)


class Lanes(types.Type):  # type: ignore[misc]
    """The numba type of ``count`` numbers of one floating dtype."""

    def __init__(self, dtype: types.Float, count: int) -> None:
        self.dtype = dtype
        self.count = count
        super().__init__(name=f"Lanes({dtype}x{count})")

    @property
    def vector(self) -> ir.VectorType:
        """The LLVM type, e.g. ``<8 x float>``."""
        return ir.VectorType(ir.FloatType() if self.dtype is types.float32 else ir.DoubleType(), self.count)

    @property
    def suffix(self) -> str:
        """What LLVM appends to a vector function's name, e.g. ``v8f32``."""
        return f"v{self.count}f{self.dtype.bitwidth}"


OF = {(dtype, count): Lanes(dtype, count) for dtype in FLOATS for count in COUNTS}


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    """Lanes live in vector registers, as one LLVM value."""

    def __init__(self, dmm: Any, fe_type: Lanes) -> None:
        super().__init__(dmm, fe_type, fe_type.vector)


def spread(context: Any, builder: Any, value: Any, kind: types.Type, lanes: Lanes) -> Any:
    """Give a value as lanes: itself if it is, else the number in the lanes' dtype, in each of them."""
    if kind == lanes:
        return value
    number = context.cast(builder, value, kind, lanes.dtype)
    undefined = ir.Constant(lanes.vector, ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(I32, lanes.count), [0] * lanes.count))


def call_llvm(builder: Any, name: str, returns: ir.Type, args: Any) -> Any:
    """Call one of LLVM's own functions."""
    kind = ir.FunctionType(returns, [value.type for value in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


def address(context: Any, builder: Any, kinds: Any, args: Any, lanes: Lanes) -> Any:
    """Where ``array[index]``, or the number so many after a pointer, lies, as a pointer to lanes. Indices count from 0."""
    if isinstance(kinds[0], types.CPointer):
        return builder.bitcast(moved(context, builder, args[0], args[1], kinds[1]), ir.PointerType(lanes.vector))
    array = context.make_array(kinds[0])(context, builder, args[0])
    index = [context.cast(builder, i, kind, types.intp) for i, kind in zip(cgutils.unpack_tuple(builder, args[1]), kinds[1], strict=True)]
    place = cgutils.get_item_pointer(context, builder, kinds[0], array, index, wraparound=False)
    return builder.bitcast(place, ir.PointerType(lanes.vector))


def moved(context: Any, builder: Any, pointer: Any, numbers: Any, kind: types.Type) -> Any:
    """Move a pointer on by so many numbers."""
    return builder.gep(pointer, [context.cast(builder, numbers, kind, types.intp)])


def first_lanes(context: Any, builder: Any, count: Any, kind: types.Type, lanes: Lanes) -> Any:
    """The mask that is true in the first ``count`` lanes."""
    integers = ir.VectorType(I32, lanes.count)
    number = context.cast(builder, count, kind, types.int32)
    undefined = ir.Constant(integers, ir.Undefined)
    everywhere = builder.shuffle_vector(
        builder.insert_element(undefined, number, ir.Constant(I32, 0)), undefined, ir.Constant(integers, [0] * lanes.count)
    )
    return builder.icmp_signed("<", ir.Constant(integers, list(range(lanes.count))), everywhere)


def alignment(lanes: Lanes) -> int:
    """Arrays promise the alignment of a number, not of a vector."""
    return int(lanes.dtype.bitwidth // 8)


def _loader(count: int) -> Any:
    @intrinsic
    def load(typingctx: Any, array: Any, index: Any) -> Any:
        lanes = OF[array.dtype, count]

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            loaded = builder.load(address(context, builder, sig.args, args, lanes))
            loaded.align = alignment(lanes)
            return loaded

        return lanes(array, index), codegen

    return load


def _part_loader(count: int) -> Any:
    @intrinsic
    def load_part(typingctx: Any, array: Any, index: Any, part: Any) -> Any:
        lanes = OF[array.dtype, count]

        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            place = address(context, builder, sig.args, args, lanes)
            mask = first_lanes(context, builder, args[2], part, lanes)
            zeros = ir.Constant(lanes.vector, [0.0] * lanes.count)
            operands = [place, ir.Constant(I32, alignment(lanes)), mask, zeros]
            return call_llvm(builder, f"llvm.masked.load.{lanes.suffix}.p0", lanes.vector, operands)

        return lanes(array, index, part), codegen

    return load_part


load, load_wide, load_rows = _loader(8), _loader(16), _loader(32)
load_part, load_wide_part = _part_loader(8), _part_loader(16)
load_four = _loader(4)


@intrinsic
def pointer(typingctx: Any, array: Any) -> Any:  # noqa: D103
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.make_array(sig.args[0])(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), codegen


@intrinsic
def stay_apart(typingctx: Any) -> Any:  # noqa: D103
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def hold(typingctx: Any, arrays: Any) -> Any:  # noqa: D103
    return types.void(arrays), lambda context, builder, sig, args: context.get_dummy_value()


@intrinsic
def onward(typingctx: Any, place: Any, numbers: Any) -> Any:  # noqa: D103
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return moved(context, builder, args[0], args[1], sig.args[1])

    return place(place, numbers), codegen


@intrinsic
def store(typingctx: Any, array: Any, index: Any, lanes: Any) -> Any:  # noqa: D103
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        stored = builder.store(args[2], address(context, builder, sig.args, args, lanes))
        stored.align = alignment(lanes)
        return context.get_dummy_value()

    return types.void(array, index, lanes), codegen


@intrinsic
def store_part(typingctx: Any, array: Any, index: Any, lanes: Any, part: Any) -> Any:  # noqa: D103
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = address(context, builder, sig.args, args, lanes)
        operands = [args[2], place, ir.Constant(I32, alignment(lanes)), first_lanes(context, builder, args[3], part, lanes)]
        call_llvm(builder, f"llvm.masked.store.{lanes.suffix}.p0", ir.VoidType(), operands)
        return context.get_dummy_value()

    return types.void(array, index, lanes, part), codegen


@intrinsic
def zeros_of(typingctx: Any, array: Any) -> Any:  # noqa: D103
    lanes = OF[array.dtype, 8]

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return ir.Constant(lanes.vector, [0.0] * lanes.count)

    return lanes(array), codegen


def _shuffler(pattern: Callable[[int], list[int]], operands: int = 1) -> Any:
    """A function that picks lanes of one vector, or of two laid end to end, by their numbers."""

    def shuffled(builder: Any, given: Any, args: Any) -> Any:
        picked = pattern(given.count)
        second = args[1] if operands == 2 else ir.Constant(given.vector, ir.Undefined)
        return builder.shuffle_vector(args[0], second, ir.Constant(ir.VectorType(I32, len(picked)), picked))

    @intrinsic
    def of_one(typingctx: Any, lanes: Any) -> Any:
        return OF[lanes.dtype, len(pattern(lanes.count))](lanes), lambda _, builder, sig, args: shuffled(builder, sig.args[0], args)

    @intrinsic
    def of_two(typingctx: Any, first: Any, second: Any) -> Any:
        kind = OF[first.dtype, len(pattern(first.count))]
        return kind(first, second), lambda _, builder, sig, args: shuffled(builder, sig.args[0], args)

    return of_one if operands == 1 else of_two


joined = _shuffler(lambda count: list(range(2 * count)), operands=2)
first_half, second_half = _shuffler(lambda count: list(range(count // 2))), _shuffler(lambda count: list(range(count // 2, count)))
four_times = _shuffler(lambda count: list(range(count)) * 4)
each_eight_times = _shuffler(lambda count: [i // 8 for i in range(8 * count)])


def _unit_spreader(unit: int) -> Any:
    return _shuffler(lambda count: [i - i % 8 + unit for i in range(count)])


unit_0, unit_1, unit_2, unit_3, unit_4, unit_5, unit_6, unit_7 = (_unit_spreader(unit) for unit in range(8))


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:  # noqa: D103
    lanes = next((kind for kind in (a, b, c) if isinstance(kind, Lanes)), None)
    if lanes is None:
        return None

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        operands = [spread(context, builder, value, kind, lanes) for value, kind in zip(args, sig.args, strict=True)]
        return call_llvm(builder, f"llvm.fma.{lanes.suffix}", lanes.vector, operands)

    return lanes(a, b, c), codegen


def _bound(comparison: str) -> Any:
    @intrinsic
    def bounded(typingctx: Any, a: Any, b: Any) -> Any:
        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            limit = spread(context, builder, args[1], b, a)
            # an ordered comparison is false for a NaN, which so stays: exactly what one minps or maxps does
            return builder.select(builder.fcmp_ordered(comparison, args[0], limit), limit, args[0])

        return a(a, b), codegen

    return bounded


minimum, maximum = _bound(">"), _bound("<")


@intrinsic
def where_positive(typingctx: Any, a: Any, b: Any, c: Any) -> Any:  # noqa: D103
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        positive = builder.fcmp_ordered(">", args[0], ir.Constant(a.vector, [0.0] * a.count))
        return builder.select(positive, spread(context, builder, args[1], b, a), spread(context, builder, args[2], c, a))

    return a(a, b, c), codegen


def _lanewise(name: str) -> Any:
    @intrinsic
    def function(typingctx: Any, a: Any) -> Any:
        def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return call_llvm(builder, f"llvm.{name}.{a.suffix}", a.vector, args)

        return a(a), codegen

    return function


magnitude, round_lanes, root = _lanewise("fabs"), _lanewise("rint"), _lanewise("sqrt")


@intrinsic
def any_positive(typingctx: Any, a: Any) -> Any:  # noqa: D103
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        positive = builder.fcmp_ordered(">", args[0], ir.Constant(a.vector, [0.0] * a.count))
        flags = builder.bitcast(positive, ir.IntType(a.count))
        return builder.icmp_unsigned("!=", flags, ir.Constant(flags.type, 0))

    return types.boolean(a), codegen


@intrinsic
def with_sign_of(typingctx: Any, a: Any, b: Any) -> Any:  # noqa: D103
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return call_llvm(builder, f"llvm.copysign.{a.suffix}", a.vector, args)

    return a(a, b), codegen


@intrinsic
def power_of_two(typingctx: Any, k: Any) -> Any:  # noqa: D103
    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        # added to k, it leaves k + bias in the lowest bits of the sum, so that no conversion to integers is needed
        bits, mantissa, shifter = (32, 23, 1.5 * 2**23 + 127) if k.dtype is types.float32 else (64, 52, 1.5 * 2**52 + 1023)
        whole = ir.VectorType(ir.IntType(bits), k.count)
        exponent = builder.bitcast(builder.fadd(args[0], ir.Constant(k.vector, [shifter] * k.count)), whole)
        return builder.bitcast(builder.shl(exponent, ir.Constant(whole, [mantissa] * k.count)), k.vector)

    return k(k), codegen


def _register(operation: Any, instruction: str) -> None:
    """Give the operator its meaning between lanes, and between lanes and a number on either side."""
    pairs: list[tuple[Any, Any]] = [pair for lanes in OF.values() for number in FLOATS for pair in ((lanes, number), (number, lanes))]
    pairs += [(lanes, lanes) for lanes in OF.values()]
    lanes_of = [next(kind for kind in pair if isinstance(kind, Lanes)) for pair in pairs]

    class Template(ConcreteTemplate):  # type: ignore[misc]
        cases = [signature(lanes, *pair) for lanes, pair in zip(lanes_of, pairs, strict=True)]  # noqa: RUF012

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        operands = [spread(context, builder, value, kind, sig.return_type) for value, kind in zip(args, sig.args, strict=True)]
        return getattr(builder, instruction)(*operands)

    infer_global(operation)(Template)
    for pair in pairs:
        lower_builtin(operation, *pair)(codegen)


for _operation, _instruction in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul"), (operator.truediv, "fdiv")):
    _register(_operation, _instruction)
