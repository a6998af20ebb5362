"""The kernels for tensors on an accelerator, with the same face as ``tacit.ring.reference``.

Few large torch operations, none of which reads a value back to the host but the
checks of ranges in ``encode`` and ``decode``. They run on any device that torch has, so
that ``TACIT_KERNELS=device`` puts CPU tensors through them too: that is how they are tested without an accelerator.
"""

from tacit.ring.coding import decode, encode
from tacit.ring.conjunctions import conjunctions
from tacit.ring.device.limbs import bmm, convolve, matmul
from tacit.ring.device.planes import pack_bits, unpack_bits
from tacit.ring.lookup import exp_products, exp_table, harmonic_tables, wave_products
from tacit.ring.masked import chosen, chosen_truncated, truncated, weighed
from tacit.ring.reference import from_planes, look_up, prefix_tables, to_planes

__all__ = [
    "bmm",
    "chosen",
    "chosen_truncated",
    "conjunctions",
    "convolve",
    "decode",
    "encode",
    "exp_products",
    "exp_table",
    "from_planes",
    "harmonic_tables",
    "look_up",
    "matmul",
    "pack_bits",
    "prefix_tables",
    "to_planes",
    "truncated",
    "unpack_bits",
    "wave_products",
    "weighed",
]
