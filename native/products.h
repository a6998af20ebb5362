// Batches of matrix products and convolutions, shared out among threads: what the kernels of every target have in common.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "kernels.h"

namespace tacit {

// One term of a batch of sums of products; the operands of neighbours in the batch are a_step and b_step words apart.
struct BatchTerm {
    Term<Matrix> first;
    std::ptrdiff_t a_step, b_step;
};

// c[size, rows, columns], contiguous, = for each of the batch the sum of the products of its terms.
void multiply(const Kernels& kernels, std::size_t size, std::size_t rows, std::size_t columns,
              const std::vector<BatchTerm>& terms, Word* c, std::size_t threads);

using Extents = std::array<std::ptrdiff_t, 3>;

// The shape of a convolution in three dimensions; of fewer the others have size and kernel 1.
struct Sliding {
    std::size_t samples, groups, outputs, channels;  // outputs and channels of each group
    Extents size, kernel, stride, padding, dilation, places;
};

// x[samples, groups * channels, *size] with any strides, w[groups * outputs, channels, *kernel] contiguous.
struct SlidingTerm {
    const Word* x;
    std::ptrdiff_t sample_step, channel_step;
    Extents steps;
    const Word* w;
};

// c[samples, groups * outputs, *places], contiguous, = the sum of the convolutions.
void convolve(const Kernels& kernels, const Sliding& shape, const std::vector<SlidingTerm>& terms, Word* c,
              std::size_t threads);

}  // namespace tacit
