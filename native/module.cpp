// The Python module tacit._native. Memory comes in as addresses and sizes: converting a tensor would cost more than
// most calls. The only callers, src/tacit/ring/native.py and src/tacit/transport/pulse.py, check what they pass.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "kernels.h"
#include "pulse.h"

namespace nb = nanobind;

namespace tacit {

// The Python side refuses a build with another number; raise it with every change of a signature below.
constexpr int kInterface = 4;

Word* scratch(int slot, std::size_t words) {
    struct Free {
        void operator()(Word* memory) const { std::free(memory); }
    };
    thread_local std::unique_ptr<Word, Free> memory[2];
    thread_local std::size_t size[2] = {0, 0};
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

// Products s of a batch, rows first to last of each; the operands may have any strides, c is contiguous.
struct Batch {
    const Kernels* kernels;
    std::size_t size, rows, columns, inner;
    Matrix a, b;
    std::ptrdiff_t a_step, b_step;
    Word* c;

    void run(std::size_t first, std::size_t last) const {
        for (std::size_t row = first; row < last;) {  // rows are counted through the whole batch
            std::size_t s = row / rows, start = row % rows, count = std::min(rows - start, last - row);
            Matrix left = a, right = b;
            left.data += static_cast<std::ptrdiff_t>(s) * a_step + static_cast<std::ptrdiff_t>(start) * a.row_step;
            right.data += static_cast<std::ptrdiff_t>(s) * b_step;
            kernels->gemm(count, columns, inner, left, right, c + row * columns, columns);
            row += count;
        }
    }
};

void bmm(std::size_t index, std::size_t size, std::size_t rows, std::size_t columns, std::size_t inner,
         std::uintptr_t a, std::ptrdiff_t a_step, std::ptrdiff_t a_row, std::ptrdiff_t a_column, std::uintptr_t b,
         std::ptrdiff_t b_step, std::ptrdiff_t b_row, std::ptrdiff_t b_column, std::uintptr_t c, std::size_t threads) {
    Batch batch = {&target(index), size,   rows,   columns,      inner, {words(a), a_row, a_column},
                   {words(b), b_row, b_column}, a_step, b_step, words_out(c)};
    std::size_t total = size * rows;
    if (total == 0 || columns == 0) return;
    // A thread costs as much as about a quarter of a million products.
    constexpr double kWorth = 1 << 20;
    double work = static_cast<double>(total) * static_cast<double>(columns) * static_cast<double>(inner);
    threads = std::min({threads, total, static_cast<std::size_t>(work / kWorth) + 1});
    auto slice = [&batch, total, threads](std::size_t t) {
        batch.run(total * t / threads, total * (t + 1) / threads);
    };
    std::vector<std::thread> helpers;
    std::size_t started = 1;
    try {
        for (; started < threads; ++started) helpers.emplace_back(slice, started);
    } catch (const std::system_error&) {  // no more threads to be had: this one does what is left
    }
    slice(0);
    for (std::size_t t = started; t < threads; ++t) slice(t);
    for (std::thread& helper : helpers) helper.join();
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

std::uintptr_t start_pulse(const std::vector<int>& sockets, double seconds) {
    return reinterpret_cast<std::uintptr_t>(new Pulse(sockets, seconds));
}

void stop_pulse(std::uintptr_t pulse) { delete reinterpret_cast<Pulse*>(pulse); }

}  // namespace

NB_MODULE(_native, module) {
    using Released = nb::call_guard<nb::gil_scoped_release>;
    module.attr("INTERFACE") = kInterface;
    module.def("targets", target_names);
    module.def("bmm", bmm, Released());
    module.def("to_planes", to_planes, Released());
    module.def("from_planes", from_planes, Released());
    module.def("pack_bits", pack_bits, Released());
    module.def("unpack_bits", unpack_bits, Released());
    module.def("look_up", look_up, Released());
    module.def("prefix_tables", prefix_tables, Released());
    module.def("truncated", truncated, Released());
    module.def("chosen", chosen, Released());
    module.def("chosen_truncated", chosen_truncated, Released());
    module.def("start_pulse", start_pulse);
    module.def("stop_pulse", stop_pulse, Released());
}

}  // namespace tacit
