// Ask for full unrolling of the loops over a register tile, whose results must live in registers.
#pragma once

#if defined(__clang__)
#define TACIT_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define TACIT_UNROLL _Pragma("GCC unroll 16")
#else
#define TACIT_UNROLL
#endif
