#include "products.h"

#include <algorithm>
#include <cstring>

#include "threads.h"

namespace tacit {
namespace {

std::size_t volume(const Extents& e) { return static_cast<std::size_t>(e[0] * e[1] * e[2]); }

// Calls visit(position) for every position in an array of these extents, in the order of memory.
template <class Visit>
void for_each(const Extents& extents, const Visit& visit) {
    for (std::ptrdiff_t i = 0; i < extents[0]; ++i)
        for (std::ptrdiff_t j = 0; j < extents[1]; ++j)
            for (std::ptrdiff_t k = 0; k < extents[2]; ++k) visit(Extents{i, j, k});
}

// One operand of a convolution, as the windows that the kernels read. They overlap and are never laid out. Unless each
// element is in one window only, or all lie side by side as they are, the channels of a group are copied, a few samples at a time, with
// zeros around them and by phase: with a stride of s, first every s-th element of a line, then the ones after them.
// A line of windows then lies side by side, for any stride.
class Slid {
   public:
    Slid(const Sliding& shape, const SlidingTerm& term) : shape_(shape), term_(term), padded_(shape.size) {
        std::ptrdiff_t every = shape.stride[2];
        for (std::size_t d = 0; d < 3; ++d) padded_[d] += 2 * shape.padding[d];
        phase_ = (padded_[2] + every - 1) / every;
        channel_step_ = term.channel_step;
        sample_step_ = term.sample_step;
        if (padded_ == shape.size) lay_out(term.steps, [&](std::ptrdiff_t tap) { return tap * term.steps[2]; });
        copied_ = padded_ != shape.size || (volume(shape.kernel) > 1 && run_[0] < run_.size());
        if (!copied_) return;
        channel_step_ = padded_[0] * padded_[1] * phase_ * every;
        sample_step_ = static_cast<std::ptrdiff_t>(shape.channels) * channel_step_;
        lay_out({padded_[1] * phase_ * every, phase_ * every, 0},
                [&](std::ptrdiff_t tap) { return tap % every * phase_ + tap / every; });
    }

    // The windows of `samples` samples of one group; they may lie in the scratch memory `slot`.
    Windows windows(std::size_t group, std::size_t first, std::size_t samples, int slot) const {
        const Word* data = channel(first, group * shape_.channels);
        if (copied_) {
            Word* copy = scratch(slot, samples * static_cast<std::size_t>(sample_step_) + kSlack);
            data = copy;
            for (std::size_t n = 0; n < samples; ++n)
                for (std::size_t c = 0; c < shape_.channels; ++c, copy += channel_step_)
                    pad(channel(first + n, group * shape_.channels + c), copy);
        }
        return {data, sample_step_, rows_.data(), columns_.data(), run_.data(), copied_};
    }

   private:
    const Sliding& shape_;
    const SlidingTerm& term_;
    Extents padded_;
    bool copied_;
    std::ptrdiff_t phase_, channel_step_, sample_step_;
    std::vector<std::ptrdiff_t> rows_, columns_;
    std::vector<std::size_t> run_;

    // The offsets of all rows and columns; in_line: where an element of a line is, counted from its start.
    template <class InLine>
    void lay_out(const Extents& steps, const InLine& in_line) {
        auto offset = [&](const Extents& at, const Extents& move) {
            return at[0] * move[0] * steps[0] + at[1] * move[1] * steps[1] + in_line(at[2] * move[2]);
        };
        rows_.clear();
        columns_.clear();
        for (std::size_t c = 0; c < shape_.channels; ++c)
            for_each(shape_.kernel, [&](const Extents& tap) {
                rows_.push_back(static_cast<std::ptrdiff_t>(c) * channel_step_ + offset(tap, shape_.dilation));
            });
        for_each(shape_.places, [&](const Extents& at) { columns_.push_back(offset(at, shape_.stride)); });
        run_.assign(columns_.size(), 1);
        for (std::size_t j = columns_.size(); j-- > 1;)
            if (columns_[j] == columns_[j - 1] + 1) run_[j - 1] = run_[j] + 1;
    }

    const Word* channel(std::size_t sample, std::size_t c) const {
        return term_.x + static_cast<std::ptrdiff_t>(sample) * term_.sample_step +
               static_cast<std::ptrdiff_t>(c) * term_.channel_step;
    }

    void pad(const Word* from, Word* to) const {
        // Constants of their own, which a word that is written cannot change.
        const std::ptrdiff_t every = shape_.stride[2], phase_size = phase_, line_step = phase_ * every;
        const std::ptrdiff_t length = shape_.size[2], step = term_.steps[2];
        const auto &[front, above, before] = shape_.padding;
        std::memset(to, 0, static_cast<std::size_t>(channel_step_) * sizeof(Word));
        for (std::ptrdiff_t i = 0; i < shape_.size[0]; ++i)
            for (std::ptrdiff_t j = 0; j < shape_.size[1]; ++j) {
                const Word* line = from + i * term_.steps[0] + j * term_.steps[1];
                Word* target = to + ((i + front) * padded_[1] + j + above) * line_step;
                if (every == 1 && step == 1) {
                    std::copy(line, line + length, target + before);
                    continue;
                }
                for (std::ptrdiff_t phase = 0; phase < every; ++phase, target += phase_size) {
                    std::ptrdiff_t at = (before - phase + every - 1) / every;  // the first that is not padding
                    if (before < phase) at = 0;
                    for (std::ptrdiff_t k = at * every + phase - before; k < length; k += every)
                        target[at++] = line[k * step];
                }
            }
    }
};

}  // namespace

void multiply(const Kernels& kernels, std::size_t size, std::size_t rows, std::size_t columns,
              const std::vector<BatchTerm>& terms, Word* c, std::size_t threads) {
    if (size == 0 || rows == 0 || columns == 0) return;
    double work = static_cast<double>(size * rows) * static_cast<double>(columns);
    double inner = 0;
    for (const BatchTerm& term : terms) inner += static_cast<double>(term.first.inner);
    share_out(size * rows, work * inner, threads, [&](std::size_t first, std::size_t last) {
        for (std::size_t row = first; row < last;) {  // rows are counted through the whole batch
            std::size_t s = row / rows, start = row % rows, count = std::min(rows - start, last - row);
            std::array<Term<Matrix>, kMostTerms> here;
            for (std::size_t t = 0; t < terms.size(); ++t) {
                here[t] = terms[t].first;
                here[t].a.data += static_cast<std::ptrdiff_t>(s) * terms[t].a_step +
                                  static_cast<std::ptrdiff_t>(start) * here[t].a.row_step;
                here[t].b.data += static_cast<std::ptrdiff_t>(s) * terms[t].b_step;
            }
            kernels.gemm(count, here.data(), terms.size(), {c + row * columns, 1, columns, 0, columns});
            row += count;
        }
    });
}

void convolve(const Kernels& kernels, const Sliding& shape, const std::vector<SlidingTerm>& terms, Word* c,
              std::size_t threads) {
    std::size_t rows = shape.groups * shape.outputs, places = volume(shape.places);
    std::size_t inner = shape.channels * volume(shape.kernel);
    if (shape.samples == 0 || rows == 0 || places == 0) return;
    std::vector<Slid> operands;
    for (const SlidingTerm& term : terms) operands.emplace_back(shape, term);
    // So many samples at a time that a block of w, once packed, meets many columns.
    constexpr std::size_t kColumns = 1536;
    const std::size_t together = std::max<std::size_t>(1, kColumns / places);
    double work = static_cast<double>(rows * shape.samples) * static_cast<double>(places) *
                  static_cast<double>(inner * terms.size());
    share_out(rows, work, threads, [&](std::size_t first, std::size_t last) {
        for (std::size_t row = first; row < last;) {
            std::size_t group = row / shape.outputs;
            std::size_t count = std::min((group + 1) * shape.outputs, last) - row;
            for (std::size_t n = 0; n < shape.samples; n += together) {
                std::size_t samples = std::min(together, shape.samples - n);
                std::array<Term<Windows>, kMostTerms> here;
                for (std::size_t t = 0; t < terms.size(); ++t)
                    here[t] = {inner,
                               {terms[t].w + row * inner, static_cast<std::ptrdiff_t>(inner), 1},
                               operands[t].windows(group, n, samples, 2 + static_cast<int>(t))};
                kernels.convolve(count, here.data(), terms.size(),
                                 {c + (n * rows + row) * places, samples, places, rows * places, places});
            }
            row += count;
        }
    });
}

}  // namespace tacit
