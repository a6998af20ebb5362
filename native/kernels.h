// The kernels that every target provides, as plain functions on raw memory.
//
// A target is one instruction set. Each is compiled from the same sources (gemm.h, planes.h, tables.h, masked.h, coding.h and
// what they include) in a file of its own with its own compiler flags, and one is chosen at run time. Nothing in those files may have external linkage but the
// table: an inline function compiled with AVX-512 and merged by the linker would crash older processors.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tacit {

using Word = std::uint64_t;

// A matrix in memory: the distance in words between neighbours in a column (row_step) and in a row (column_step).
struct Matrix {
    const Word* data;
    std::ptrdiff_t row_step;
    std::ptrdiff_t column_step;
};

// A right operand that is never laid out, the windows of a convolution: element (k, j) of sample s is
// data[s * sample_step + rows[k] + columns[j]]. run[j] tells how many columns from j on lie side by side in memory; with `slack`, kSlack more words may be read.
struct Windows {
    const Word* data;
    std::ptrdiff_t sample_step;
    const std::ptrdiff_t* rows;
    const std::ptrdiff_t* columns;
    const std::size_t* run;
    bool slack;
};

constexpr std::size_t kSlack = 16;

// One product of a sum of products: a[rows, inner] @ b[inner, columns].
template <class Right>
struct Term {
    std::size_t inner;
    Matrix a;
    Right b;
};

constexpr std::size_t kMostTerms = 2;

// Where results go: `samples` matrices c[rows, columns], sample_step words apart, with rows row_step words apart.
struct Result {
    Word* data;
    std::size_t samples, columns, sample_step, row_step;
};

struct Kernels {
    const char* name;
    // c = the sum of `count` products modulo 2^64, for each sample (matrices have one); the samples of windows share a.
    void (*gemm)(std::size_t rows, const Term<Matrix>* terms, std::size_t count, Result c);
    void (*convolve)(std::size_t rows, const Term<Windows>* terms, std::size_t count, Result c);
    // planes[width, ceil(n / 64)]: bit j of x[e] is bit e % 64 of planes[j, e / 64]; padding bits are zero.
    void (*to_planes)(const Word* x, std::size_t n, std::size_t width, Word* planes);
    void (*from_planes)(const Word* planes, std::size_t n, std::size_t width, Word* x);
    // bits: one byte for each, zero or not; out[ceil(n / 64)], padding bits zero.
    void (*pack_bits)(const std::uint8_t* bits, std::size_t n, Word* out);
    void (*unpack_bits)(const Word* plane, std::size_t n, std::uint8_t* bits);
    // Shares of the tables of r's chunks, looked up at the public chunks of v (bits planes of `words` words each):
    // less[chunk] = [v < r] and equal[chunk] = [v == r]; `one` is this party's share of a word of ones.
    void (*look_up)(const Word* tables, const Word* digits, std::size_t bits, std::size_t words, Word one, Word* less,
                    Word* equal);
    // The tables of a value given as bit planes: for each chunk and each v but the largest, [chunk <= v].
    void (*prefix_tables)(const Word* planes, std::size_t bits, std::size_t words, Word* tables);
    // See src/tacit/ring/masked.py; `first` is all ones for the party that adds public numbers, else zero.
    void (*truncated)(const Word* m, std::size_t n, unsigned width, unsigned shift, Word rounding, Word first,
                      const Word* shifted, const Word* top, Word* out);
    void (*chosen)(const Word* m, std::size_t n, Word first, const Word* a, const Word* rho, const Word* rho_a,
                   const Word* beta, Word* out);
    void (*chosen_truncated)(const Word* m, std::size_t n, unsigned width, unsigned shift, Word first,
                             const Word* shifted, const Word* rho, const Word* rho_shifted, const Word* top,
                             const Word* rho_top, const Word* beta, Word* out);
    void (*weighed)(const Word* shares, std::size_t rows, std::size_t n, const Word* beta, const Word* weights, Word* sum,
                    Word* picked);
    // See src/tacit/ring/lookup.py. series: the coefficients of ring/elementary.py; powers and coefficients: in the order
    // of ring/native_lookup.py. x has `bits` fraction bits, or 2^bits units to a turn.
    void (*exp_table)(const Word* r, std::size_t n, unsigned bits, const double* series, unsigned integer_bits,
                      unsigned step_bits, const double* powers, unsigned scale, Word* table);
    void (*exp_products)(const Word* m, std::size_t n, unsigned bits, const double* series, unsigned integer_bits,
                         unsigned step_bits, std::size_t shifts, const Word* offsets, const double* powers,
                         unsigned scale, const Word* table, Word* out);
    void (*harmonics)(const Word* a, std::size_t n, unsigned bits, const double* series, std::size_t terms,
                      unsigned scale, Word* sines, Word* cosines);
    void (*waves)(const Word* m, std::size_t n, unsigned bits, const double* series, std::size_t terms,
                  std::size_t count, const double* coefficients, unsigned scale, const Word* constants,
                  const Word* sines, const Word* cosines, Word* out);
    // See src/tacit/ring/conjunctions.py.
    void (*conjunctions)(const Word* opened, const Word* masks, const Word* products, std::size_t variables,
                         std::size_t length, std::size_t monomials, const Word* plan, Word one, Word* out);
    // See src/tacit/ring/coding.py; `factor` is a power of two. False if a number is out of range.
    bool (*encode_single)(const float* x, std::size_t n, double factor, Word* out);
    bool (*encode_double)(const double* x, std::size_t n, double factor, Word* out);
    void (*decode_single)(const Word* ring, std::size_t n, double factor, float* out);
    void (*decode_double)(const Word* ring, std::size_t n, double factor, double* out);
};

extern const Kernels portable_kernels;
#ifdef TACIT_X86
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
#endif

// At least `words` words of memory that belong to this thread and start at a cache line; `slot` is below kScratchSlots.
constexpr int kScratchSlots = 2 + static_cast<int>(kMostTerms);
Word* scratch(int slot, std::size_t words);

}  // namespace tacit
