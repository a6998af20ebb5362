// Any processor: one word at a time.
#include <cmath>
#include <cstring>

#include "kernels.h"
#include "unroll.h"

namespace tacit {
namespace {

struct Tile {
    using Reg = Word;
    using Acc = Word;
    static constexpr std::size_t kLanes = 1, kRows = 4, kVectors = 2, kCopies = 1;
    static Reg zero() { return 0; }
    static Reg load(const Word* from) { return *from; }
    static void store(Word* to, Reg value) { *to = value; }
    static Reg plus(Reg x, Reg y) { return x + y; }
    static Reg times(Reg x, Reg y) { return x * y; }
    static void clear(Acc& acc) { acc = 0; }
    static void prepare(Word element, Word* packed) { *packed = element; }
    static void multiply_add(Acc& acc, const Word* a, Reg b) { acc += *a * b; }
    static Reg finish(Acc acc) { return acc; }
};

struct Lanes {
    using Reg = Word;
    static constexpr std::size_t kLanes = 1;
    static Reg load(const Word* from) { return *from; }
    static void store(Word* to, Reg value) { *to = value; }
    static Reg constant(Word value) { return value; }
    static Reg both(Reg x, Reg y) { return x & y; }
    static Reg exclusive_or(Reg x, Reg y) { return x ^ y; }
    template <int n>
    static Reg shift_left(Reg x) {
        return x << n;
    }
    template <int n>
    static Reg shift_right(Reg x) {
        return x >> n;
    }
    static void transpose(Reg (&)[1]) {}

    static constexpr Word kOnes = 0x0101010101010101, kSevens = 0x7F7F7F7F7F7F7F7F;
    static Word pack(const std::uint8_t* bits) {
        Word word = 0;
        for (int i = 0; i < 8; ++i) {
            Word eight;
            std::memcpy(&eight, bits + 8 * i, 8);
            eight = ((((eight & kSevens) + kSevens) | eight) >> 7) & kOnes;  // every byte that is not zero becomes 1
            word |= (eight * 0x0102040810204080) >> 56 << (8 * i);           // gather the eight lowest bits
        }
        return word;
    }
    static void unpack(Word word, std::uint8_t* bits) {
        for (int i = 0; i < 8; ++i) {
            Word eight = ((word >> (8 * i)) & 0xFF) * kOnes & 0x8040201008040201;  // byte j keeps bit j only
            eight = ((eight + kSevens) >> 7) & kOnes;
            std::memcpy(bits + 8 * i, &eight, 8);
        }
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

const Kernels portable_kernels = {"portable", gemm, convolve, to_planes, from_planes, pack_bits, unpack_bits,
                                  look_up, prefix_tables, truncated, chosen, chosen_truncated, weighed,
                                  exp_table, exp_products, harmonics, waves, conjunctions,
                                  encode<float>, encode<double>, decode<float>, decode<double>};

}  // namespace tacit
