"""The compiled module (native/module.cpp). Addresses are ``Tensor.data_ptr()``.

Only tacit.ring.native calls the kernels, only tacit.transport.pulse the last two.
"""

from collections.abc import Sequence

INTERFACE: int

def targets() -> list[str]: ...
def bmm(
    target: int,
    size: int,
    rows: int,
    columns: int,
    inner: int,
    a: int,
    a_step: int,
    a_row: int,
    a_column: int,
    b: int,
    b_step: int,
    b_row: int,
    b_column: int,
    c: int,
    threads: int,
    /,
) -> None: ...
def bmm_sum(
    target: int,
    size: int,
    rows: int,
    columns: int,
    inner: int,
    a: Sequence[int],
    b: Sequence[int],
    a2: Sequence[int],
    b2: Sequence[int],
    c: int,
    threads: int,
    /,
) -> None: ...
def convolution(
    target: int,
    shape: Sequence[int],
    x: Sequence[int],
    w: int,
    x2: Sequence[int],
    w2: int,
    c: int,
    threads: int,
    /,
) -> None: ...
def to_planes(target: int, x: int, n: int, width: int, planes: int, /) -> None: ...
def from_planes(target: int, planes: int, n: int, width: int, x: int, /) -> None: ...
def pack_bits(target: int, bits: int, n: int, out: int, /) -> None: ...
def unpack_bits(target: int, plane: int, n: int, bits: int, /) -> None: ...
def look_up(
    target: int, tables: int, digits: int, bits: int, words: int, one: bool, less: int, equal: int, /
) -> None: ...
def prefix_tables(target: int, planes: int, bits: int, words: int, tables: int, /) -> None: ...
def truncated(
    target: int, m: int, n: int, width: int, shift: int, rounding: int, first: bool, shifted: int, top: int, out: int, /
) -> None: ...
def chosen(target: int, m: int, n: int, first: bool, a: int, rho: int, rho_a: int, beta: int, out: int, /) -> None: ...
def chosen_truncated(
    target: int,
    m: int,
    n: int,
    width: int,
    shift: int,
    first: bool,
    shifted: int,
    rho: int,
    rho_shifted: int,
    top: int,
    rho_top: int,
    beta: int,
    out: int,
    /,
) -> None: ...
def weighed(target: int, shares: int, rows: int, n: int, beta: int, weights: int, sum: int, picked: int, /) -> None: ...
def exp_table(
    target: int,
    r: int,
    n: int,
    bits: int,
    series: int,
    integer_bits: int,
    step_bits: int,
    powers: int,
    scale: int,
    table: int,
    /,
) -> None: ...
def exp_products(
    target: int,
    m: int,
    n: int,
    bits: int,
    series: int,
    integer_bits: int,
    step_bits: int,
    shifts: int,
    offsets: int,
    powers: int,
    scale: int,
    table: int,
    out: int,
    /,
) -> None: ...
def harmonics(
    target: int, a: int, n: int, bits: int, series: int, terms: int, scale: int, sines: int, cosines: int, /
) -> None: ...
def waves(
    target: int,
    m: int,
    n: int,
    bits: int,
    series: int,
    terms: int,
    count: int,
    coefficients: int,
    scale: int,
    constants: int,
    sines: int,
    cosines: int,
    out: int,
    /,
) -> None: ...
def conjunctions(
    target: int,
    opened: int,
    masks: int,
    products: int,
    variables: int,
    length: int,
    monomials: int,
    plan: int,
    one: bool,
    out: int,
    /,
) -> None: ...
def encode(target: int, x: int, is_double: bool, n: int, factor: float, out: int, threads: int, /) -> bool: ...
def decode(target: int, ring: int, n: int, factor: float, is_double: bool, out: int, threads: int, /) -> None: ...
def start_pulse(connections: list[tuple[int, bytes, int]], seconds: float, /) -> int: ...
def stop_pulse(pulse: int, /) -> None: ...
