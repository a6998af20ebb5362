// x86 with AVX-512 (F, BW, DQ, VL): eight words at a time, and a 64-bit product in one instruction.
#include <immintrin.h>

#include <cmath>
#include <cstring>

#include "kernels.h"
#include "unroll.h"

namespace tacit {
namespace {

struct Tile {
    using Reg = __m512i;
    using Acc = __m512i;
    static constexpr std::size_t kLanes = 8, kRows = 12, kVectors = 2, kCopies = 1;
    static Reg zero() { return _mm512_setzero_si512(); }
    static Reg load(const Word* from) { return _mm512_loadu_si512(from); }
    static void store(Word* to, Reg value) { _mm512_storeu_si512(to, value); }
    static Reg plus(Reg x, Reg y) { return _mm512_add_epi64(x, y); }
    static Reg times(Reg x, Reg y) { return _mm512_mullo_epi64(x, y); }
    static void clear(Acc& acc) { acc = zero(); }
    static void prepare(Word element, Word* packed) { *packed = element; }
    static void multiply_add(Acc& acc, const Word* a, Reg b) {
        acc = plus(acc, times(_mm512_set1_epi64(static_cast<long long>(*a)), b));
    }
    static Reg finish(Acc acc) { return acc; }
};

struct Lanes {
    using Reg = __m512i;
    static constexpr std::size_t kLanes = 8;
    static Reg load(const Word* from) { return _mm512_loadu_si512(from); }
    static void store(Word* to, Reg value) { _mm512_storeu_si512(to, value); }
    static Reg constant(Word value) { return _mm512_set1_epi64(static_cast<long long>(value)); }
    static Reg both(Reg x, Reg y) { return _mm512_and_si512(x, y); }
    static Reg exclusive_or(Reg x, Reg y) { return _mm512_xor_si512(x, y); }
    template <int n>
    static Reg shift_left(Reg x) {
        return _mm512_slli_epi64(x, n);
    }
    template <int n>
    static Reg shift_right(Reg x) {
        return _mm512_srli_epi64(x, n);
    }
    static void transpose(Reg (&r)[8]) {
        Reg t[8];
        for (int i = 0; i < 8; i += 2) {  // lanes 0 and 1, 2 and 3, ... of neighbouring rows
            t[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
            t[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
        }
        for (int half = 0; half < 8; half += 4)  // quarters of the register, two rows apart
            for (int i = 0; i < 2; ++i) {
                r[half + i] = _mm512_shuffle_i64x2(t[half + i], t[half + i + 2], 0x88);
                r[half + i + 2] = _mm512_shuffle_i64x2(t[half + i], t[half + i + 2], 0xDD);
            }
        for (int i = 0; i < 4; ++i) {  // and four rows apart
            t[i] = _mm512_shuffle_i64x2(r[i], r[i + 4], 0x88);
            t[i + 4] = _mm512_shuffle_i64x2(r[i], r[i + 4], 0xDD);
        }
        for (int i = 0; i < 8; ++i) r[i] = t[i];
    }

    static Word pack(const std::uint8_t* bits) {
        Reg bytes = _mm512_loadu_si512(bits);
        return _mm512_test_epi8_mask(bytes, bytes);
    }
    static void unpack(Word word, std::uint8_t* bits) {
        _mm512_storeu_si512(bits, _mm512_maskz_set1_epi8(word, 1));
    }
};

#include "gemm.h"
#include "planes.h"
#include "tables.h"
#include "masked.h"
#include "elementary.h"
#include "conjunctions.h"
#include "coding.h"

}  // namespace

const Kernels avx512_kernels = {"avx512", gemm, convolve, to_planes, from_planes, pack_bits, unpack_bits,
                                look_up, prefix_tables, truncated, chosen, chosen_truncated, weighed,
                                exp_table, exp_products, harmonics, waves, conjunctions,
                                encode<float>, encode<double>, decode<float>, decode<double>};

}  // namespace tacit
