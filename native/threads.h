// Work shared out among threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <system_error>
#include <thread>
#include <vector>

namespace tacit {

// run(first, last) for contiguous parts of `total` units, by up to `threads` threads where `work` products pay for them.
template <class Run>
void share_out(std::size_t total, double work, std::size_t threads, const Run& run) {
    if (total == 0) return;
    constexpr double kWorth = 1 << 20;  // a thread costs as much as about a quarter of a million products
    threads = std::min({threads, total, static_cast<std::size_t>(work / kWorth) + 1});
    auto slice = [&run, total, threads](std::size_t t) { run(total * t / threads, total * (t + 1) / threads); };
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

}  // namespace tacit
