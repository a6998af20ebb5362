// x86 with AVX2: four words at a time.
#include <immintrin.h>

#include <cmath>
#include <cstring>

#include "kernels.h"
#include "unroll.h"

namespace tacit {
namespace {

struct Tile {
    using Reg = __m256i;
    // AVX2 has no 64-bit product. With a = (a1, a0) and b = (b1, b0) in 32-bit halves the product modulo 2^64 is
    // a0 b0 + 2^32 (a0 b1 + a1 b0): one widening product, and both cross terms by one product of 32-bit lanes, whose
    // two sums are added and shifted only once, at the end.
    struct Acc {
        Reg low, cross;
    };
    static constexpr std::size_t kLanes = 4, kRows = 3, kVectors = 2;
    static constexpr std::size_t kCopies = 2;  // the element, and the element with its halves exchanged
    static Reg zero() { return _mm256_setzero_si256(); }
    static Reg load(const Word* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
    static void store(Word* to, Reg value) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value); }
    static Reg plus(Reg x, Reg y) { return _mm256_add_epi64(x, y); }
    static Reg times(Reg x, Reg y) {
        Reg cross = _mm256_mullo_epi32(x, _mm256_shuffle_epi32(y, 0xB1));
        return plus(_mm256_mul_epu32(x, y), add_cross(cross));
    }
    static void clear(Acc& acc) { acc.low = acc.cross = zero(); }
    static void prepare(Word element, Word* packed) {
        packed[0] = element;
        packed[1] = element << 32 | element >> 32;
    }
    static void multiply_add(Acc& acc, const Word* a, Reg b) {
        acc.low = _mm256_add_epi64(acc.low, _mm256_mul_epu32(broadcast(a), b));
        acc.cross = _mm256_add_epi32(acc.cross, _mm256_mullo_epi32(broadcast(a + 1), b));
    }
    static Reg finish(const Acc& acc) { return plus(acc.low, add_cross(acc.cross)); }

   private:
    static Reg broadcast(const Word* from) { return _mm256_set1_epi64x(static_cast<long long>(*from)); }
    static Reg add_cross(Reg cross) {
        return _mm256_add_epi32(_mm256_slli_epi64(cross, 32), _mm256_and_si256(cross, high_half()));
    }
    static Reg high_half() { return _mm256_set1_epi64x(static_cast<long long>(0xFFFFFFFF00000000)); }
};

struct Lanes {
    using Reg = __m256i;
    static constexpr std::size_t kLanes = 4;
    static Reg load(const Word* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
    static void store(Word* to, Reg value) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value); }
    static Reg constant(Word value) { return _mm256_set1_epi64x(static_cast<long long>(value)); }
    static Reg both(Reg x, Reg y) { return _mm256_and_si256(x, y); }
    static Reg exclusive_or(Reg x, Reg y) { return _mm256_xor_si256(x, y); }
    template <int n>
    static Reg shift_left(Reg x) {
        return _mm256_slli_epi64(x, n);
    }
    template <int n>
    static Reg shift_right(Reg x) {
        return _mm256_srli_epi64(x, n);
    }
    static void transpose(Reg (&r)[4]) {
        Reg a = _mm256_unpacklo_epi64(r[0], r[1]), b = _mm256_unpackhi_epi64(r[0], r[1]);
        Reg c = _mm256_unpacklo_epi64(r[2], r[3]), d = _mm256_unpackhi_epi64(r[2], r[3]);
        r[0] = _mm256_permute2x128_si256(a, c, 0x20);
        r[1] = _mm256_permute2x128_si256(b, d, 0x20);
        r[2] = _mm256_permute2x128_si256(a, c, 0x31);
        r[3] = _mm256_permute2x128_si256(b, d, 0x31);
    }

    static std::uint32_t pack_half(const std::uint8_t* bits) {
        Reg bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bits));
        return ~static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256())));
    }
    static Word pack(const std::uint8_t* bits) { return pack_half(bits) | Word{pack_half(bits + 32)} << 32; }
    static void unpack_half(std::uint32_t word, std::uint8_t* bits) {
        const Reg spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
        const Reg select = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
        Reg bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(word)), spread);
        Reg set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, select), select);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(bits), _mm256_and_si256(set, _mm256_set1_epi8(1)));
    }
    static void unpack(Word word, std::uint8_t* bits) {
        unpack_half(static_cast<std::uint32_t>(word), bits);
        unpack_half(static_cast<std::uint32_t>(word >> 32), bits + 32);
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

const Kernels avx2_kernels = {"avx2", gemm, convolve, to_planes, from_planes, pack_bits, unpack_bits,
                              look_up, prefix_tables, truncated, chosen, chosen_truncated, weighed,
                              exp_table, exp_products, harmonics, waves, conjunctions,
                              encode<float>, encode<double>, decode<float>, decode<double>};

}  // namespace tacit
