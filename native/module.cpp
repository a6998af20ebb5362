// The Python module tacit._native. Memory comes in as addresses and sizes: converting a tensor would cost more than
// most calls. The only callers, src/tacit/ring/native.py and src/tacit/transport/pulse.py, check what they pass.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "kernels.h"
#include "products.h"
#include "pulse.h"
#include "threads.h"

namespace nb = nanobind;

namespace tacit {

// The Python side refuses a build with another number; raise it with every change of a signature below.
constexpr int kInterface = 9;

Word* scratch(int slot, std::size_t words) {
    struct Free {
        void operator()(Word* memory) const { std::free(memory); }
    };
    thread_local std::unique_ptr<Word, Free> memory[kScratchSlots];
    thread_local std::size_t size[kScratchSlots] = {};
    if (size[slot] < words) {
        std::size_t bytes = (words * sizeof(Word) + 63) / 64 * 64;
        memory[slot].reset(static_cast<Word*>(std::aligned_alloc(64, bytes)));
        size[slot] = memory[slot] ? words : 0;
        if (!memory[slot]) throw std::bad_alloc();
    }
    return memory[slot].get();
}

namespace {

// The targets that this processor can run, the fastest first.
std::vector<const Kernels*> supported() {
    std::vector<const Kernels*> targets;
#ifdef TACIT_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        targets.push_back(&avx512_kernels);
    if (__builtin_cpu_supports("avx2")) targets.push_back(&avx2_kernels);
#endif
    targets.push_back(&portable_kernels);
    return targets;
}

const Kernels& target(std::size_t index) {
    static const std::vector<const Kernels*> targets = supported();
    return *targets.at(index);
}

std::vector<std::string> target_names() {
    std::vector<std::string> names;
    for (const Kernels* kernels : supported()) names.emplace_back(kernels->name);
    return names;
}

const Word* words(std::uintptr_t address) { return reinterpret_cast<const Word*>(address); }
Word* words_out(std::uintptr_t address) { return reinterpret_cast<Word*>(address); }

using Strided = std::vector<std::ptrdiff_t>;  // an address, then strides in words

const Word* start(const Strided& operand) { return words(static_cast<std::uintptr_t>(operand[0])); }

BatchTerm batch_term(std::size_t inner, const Strided& a, const Strided& b) {
    return {{inner, {start(a), a[2], a[3]}, {start(b), b[2], b[3]}}, a[1], b[1]};
}

// a and b: address, step of the batch, of the rows, of the columns.
void bmm(std::size_t index, std::size_t size, std::size_t rows, std::size_t columns, std::size_t inner,
         std::uintptr_t a, std::ptrdiff_t a_step, std::ptrdiff_t a_row, std::ptrdiff_t a_column, std::uintptr_t b,
         std::ptrdiff_t b_step, std::ptrdiff_t b_row, std::ptrdiff_t b_column, std::uintptr_t c, std::size_t threads) {
    BatchTerm term = {{inner, {words(a), a_row, a_column}, {words(b), b_row, b_column}}, a_step, b_step};
    multiply(target(index), size, rows, columns, {term}, words_out(c), threads);
}

void bmm_sum(std::size_t index, std::size_t size, std::size_t rows, std::size_t columns, std::size_t inner,
             const Strided& a, const Strided& b, const Strided& a2, const Strided& b2, std::uintptr_t c,
             std::size_t threads) {
    multiply(target(index), size, rows, columns, {batch_term(inner, a, b), batch_term(inner, a2, b2)}, words_out(c),
             threads);
}

Extents extents(const Strided& from, std::size_t at) { return {from[at], from[at + 1], from[at + 2]}; }

SlidingTerm sliding_term(const Strided& x, std::uintptr_t w) {
    return {start(x), x[1], x[2], extents(x, 3), words(w)};
}

// shape: samples, groups, outputs and channels of a group; then size, kernel, stride, padding, dilation, places, three
// numbers each. x: address, step of the samples, of the channels, of the three dimensions. x2 is empty where there is
// no second term.
void convolution(std::size_t index, const std::vector<std::ptrdiff_t>& shape, const Strided& x, std::uintptr_t w,
                 const Strided& x2, std::uintptr_t w2, std::uintptr_t c, std::size_t threads) {
    auto count = [&shape](std::size_t at) { return static_cast<std::size_t>(shape[at]); };
    Sliding sliding = {count(0),          count(1),           count(2),           count(3),          extents(shape, 4),
                       extents(shape, 7), extents(shape, 10), extents(shape, 13), extents(shape, 16), extents(shape, 19)};
    std::vector<SlidingTerm> terms = {sliding_term(x, w)};
    if (!x2.empty()) terms.push_back(sliding_term(x2, w2));
    convolve(target(index), sliding, terms, words_out(c), threads);
}

void to_planes(std::size_t index, std::uintptr_t x, std::size_t n, std::size_t width, std::uintptr_t planes) {
    target(index).to_planes(words(x), n, width, words_out(planes));
}

void from_planes(std::size_t index, std::uintptr_t planes, std::size_t n, std::size_t width, std::uintptr_t x) {
    target(index).from_planes(words(planes), n, width, words_out(x));
}

void pack_bits(std::size_t index, std::uintptr_t bits, std::size_t n, std::uintptr_t out) {
    target(index).pack_bits(reinterpret_cast<const std::uint8_t*>(bits), n, words_out(out));
}

void unpack_bits(std::size_t index, std::uintptr_t plane, std::size_t n, std::uintptr_t bits) {
    target(index).unpack_bits(words(plane), n, reinterpret_cast<std::uint8_t*>(bits));
}

void look_up(std::size_t index, std::uintptr_t tables, std::uintptr_t digits, std::size_t bits, std::size_t count,
             bool one, std::uintptr_t less, std::uintptr_t equal) {
    target(index).look_up(words(tables), words(digits), bits, count, one ? ~Word{0} : Word{0}, words_out(less),
                          words_out(equal));
}

void prefix_tables(std::size_t index, std::uintptr_t planes, std::size_t bits, std::size_t count,
                   std::uintptr_t tables) {
    target(index).prefix_tables(words(planes), bits, count, words_out(tables));
}

Word all_ones(bool flag) { return flag ? ~Word{0} : Word{0}; }

void truncated(std::size_t index, std::uintptr_t m, std::size_t n, unsigned width, unsigned shift, Word rounding,
               bool first, std::uintptr_t shifted, std::uintptr_t top, std::uintptr_t out) {
    target(index).truncated(words(m), n, width, shift, rounding, all_ones(first), words(shifted), words(top),
                            words_out(out));
}

void chosen(std::size_t index, std::uintptr_t m, std::size_t n, bool first, std::uintptr_t a, std::uintptr_t rho,
            std::uintptr_t rho_a, std::uintptr_t beta, std::uintptr_t out) {
    target(index).chosen(words(m), n, all_ones(first), words(a), words(rho), words(rho_a), words(beta),
                         words_out(out));
}

void chosen_truncated(std::size_t index, std::uintptr_t m, std::size_t n, unsigned width, unsigned shift, bool first,
                      std::uintptr_t shifted, std::uintptr_t rho, std::uintptr_t rho_shifted, std::uintptr_t top,
                      std::uintptr_t rho_top, std::uintptr_t beta, std::uintptr_t out) {
    target(index).chosen_truncated(words(m), n, width, shift, all_ones(first), words(shifted), words(rho),
                                   words(rho_shifted), words(top), words(rho_top), words(beta), words_out(out));
}

bool encode(std::size_t index, std::uintptr_t x, bool is_double, std::size_t n, double factor, std::uintptr_t out,
            std::size_t threads) {
    const Kernels& kernels = target(index);
    std::atomic<bool> inside{true};
    share_out(n, static_cast<double>(n), threads, [&](std::size_t first, std::size_t last) {
        Word* to = words_out(out) + first;
        bool good = is_double
                        ? kernels.encode_double(reinterpret_cast<const double*>(x) + first, last - first, factor, to)
                        : kernels.encode_single(reinterpret_cast<const float*>(x) + first, last - first, factor, to);
        if (!good) inside = false;
    });
    return inside;
}

void decode(std::size_t index, std::uintptr_t ring, std::size_t n, double factor, bool is_double, std::uintptr_t out,
            std::size_t threads) {
    const Kernels& kernels = target(index);
    share_out(n, static_cast<double>(n), threads, [&](std::size_t first, std::size_t last) {
        const Word* from = words(ring) + first;
        if (is_double)
            kernels.decode_double(from, last - first, factor, reinterpret_cast<double*>(out) + first);
        else
            kernels.decode_single(from, last - first, factor, reinterpret_cast<float*>(out) + first);
    });
}

std::uintptr_t start_pulse(const std::vector<std::tuple<int, nb::bytes, std::size_t>>& connections, double seconds) {
    std::vector<Beats> made;
    for (const auto& [socket, bytes, each] : connections)
        made.push_back({socket, std::string(bytes.c_str(), bytes.size()), each});
    return reinterpret_cast<std::uintptr_t>(new Pulse(std::move(made), seconds));
}

void stop_pulse(std::uintptr_t pulse) { delete reinterpret_cast<Pulse*>(pulse); }

void weighed(std::size_t index, std::uintptr_t shares, std::size_t rows, std::size_t n, std::uintptr_t beta,
             std::uintptr_t weights, std::uintptr_t sum, std::uintptr_t picked) {
    target(index).weighed(words(shares), rows, n, words(beta), words(weights), words_out(sum), words_out(picked));
}

const double* doubles(std::uintptr_t address) { return reinterpret_cast<const double*>(address); }

void exp_table(std::size_t index, std::uintptr_t r, std::size_t n, unsigned bits, std::uintptr_t series,
               unsigned integer_bits, unsigned step_bits, std::uintptr_t powers, unsigned scale, std::uintptr_t table) {
    target(index).exp_table(words(r), n, bits, doubles(series), integer_bits, step_bits, doubles(powers), scale,
                            words_out(table));
}

void exp_products(std::size_t index, std::uintptr_t m, std::size_t n, unsigned bits, std::uintptr_t series,
                  unsigned integer_bits, unsigned step_bits, std::size_t shifts, std::uintptr_t offsets,
                  std::uintptr_t powers, unsigned scale, std::uintptr_t table, std::uintptr_t out) {
    target(index).exp_products(words(m), n, bits, doubles(series), integer_bits, step_bits, shifts, words(offsets),
                               doubles(powers), scale, words(table), words_out(out));
}

void harmonics(std::size_t index, std::uintptr_t a, std::size_t n, unsigned bits, std::uintptr_t series,
               std::size_t terms, unsigned scale, std::uintptr_t sines, std::uintptr_t cosines) {
    target(index).harmonics(words(a), n, bits, doubles(series), terms, scale, words_out(sines), words_out(cosines));
}

void waves(std::size_t index, std::uintptr_t m, std::size_t n, unsigned bits, std::uintptr_t series, std::size_t terms,
           std::size_t count, std::uintptr_t coefficients, unsigned scale, std::uintptr_t constants,
           std::uintptr_t sines, std::uintptr_t cosines, std::uintptr_t out) {
    target(index).waves(words(m), n, bits, doubles(series), terms, count, doubles(coefficients), scale,
                        words(constants), words(sines), words(cosines), words_out(out));
}

void conjunctions(std::size_t index, std::uintptr_t opened, std::uintptr_t masks, std::uintptr_t products,
                  std::size_t variables, std::size_t length, std::size_t monomials, std::uintptr_t plan, bool one,
                  std::uintptr_t out) {
    target(index).conjunctions(words(opened), words(masks), words(products), variables, length, monomials, words(plan),
                               all_ones(one), words_out(out));
}

}  // namespace

NB_MODULE(_native, module) {
    using Released = nb::call_guard<nb::gil_scoped_release>;
    module.attr("INTERFACE") = kInterface;
    module.def("targets", target_names);
    module.def("bmm", bmm, Released());
    module.def("bmm_sum", bmm_sum, Released());
    module.def("convolution", convolution, Released());
    module.def("to_planes", to_planes, Released());
    module.def("from_planes", from_planes, Released());
    module.def("pack_bits", pack_bits, Released());
    module.def("unpack_bits", unpack_bits, Released());
    module.def("look_up", look_up, Released());
    module.def("prefix_tables", prefix_tables, Released());
    module.def("truncated", truncated, Released());
    module.def("chosen", chosen, Released());
    module.def("chosen_truncated", chosen_truncated, Released());
    module.def("weighed", weighed, Released());
    module.def("exp_table", exp_table, Released());
    module.def("exp_products", exp_products, Released());
    module.def("harmonics", harmonics, Released());
    module.def("waves", waves, Released());
    module.def("conjunctions", conjunctions, Released());
    module.def("encode", encode, Released());
    module.def("decode", decode, Released());
    module.def("start_pulse", start_pulse);
    module.def("stop_pulse", stop_pulse, Released());
}

}  // namespace tacit
