// What becomes of a masked value m = x - a once m is public, one pass over all operands. Plain loops: the compiler makes
// vectors of them. Included by each target after tables.h.

// c = m + 2^(width - 2) + rounding modulo 2^width, and what a truncation by `shift` < width makes of it.
struct Wrapped {
    Word bias, mask, middle;
    unsigned width, shift;

    Wrapped(unsigned w, unsigned t, Word rounding)
        : bias((Word{1} << (w - 2)) + rounding), mask(~Word{0} >> (64 - w)), middle((Word{1} << (w - 2)) >> t), width(w),
          shift(t) {}
    Word moved(Word m) const { return (m + bias) & mask; }
    Word quotient(Word c) const { return (c >> shift) - middle; }
    // The share `top` of the mask's highest bit counts where the highest bit of c is not set.
    Word carried(Word c, Word top) const { return (top << (width - shift)) & ((c >> (width - 1)) - 1); }
};

void truncated(const Word* m, std::size_t n, unsigned width, unsigned shift, Word rounding, Word first,
               const Word* shifted, const Word* top, Word* out) {
    const Wrapped wrapped(width, shift, rounding);
    for (std::size_t e = 0; e < n; ++e) {
        Word c = wrapped.moved(m[e]);
        out[e] = (wrapped.quotient(c) & first) - shifted[e] + wrapped.carried(c, top[e]);
    }
}

// b v = beta v + (1 - 2 beta) rho v, given shares of v and of rho v.
inline Word picked(Word beta, Word value, Word rho_value) { return rho_value + (beta & (value - 2 * rho_value)); }

void chosen(const Word* m, std::size_t n, Word first, const Word* a, const Word* rho, const Word* rho_a,
            const Word* beta, Word* out) {
    for (std::size_t start = 0; start < n; start += 64) {
        Word bits = beta[start / 64];
        std::size_t count = smaller(64, n - start);
        for (std::size_t i = 0; i < count; ++i) {
            std::size_t e = start + i;
            out[e] = picked(-((bits >> i) & 1), (m[e] & first) + a[e], m[e] * rho[e] + rho_a[e]);
        }
    }
}

void chosen_truncated(const Word* m, std::size_t n, unsigned width, unsigned shift, Word first, const Word* shifted,
                      const Word* rho, const Word* rho_shifted, const Word* top, const Word* rho_top, const Word* beta,
                      Word* out) {
    const Wrapped wrapped(width, shift, 0);
    for (std::size_t start = 0; start < n; start += 64) {
        Word bits = beta[start / 64];
        std::size_t count = smaller(64, n - start);
        for (std::size_t i = 0; i < count; ++i) {
            std::size_t e = start + i;
            Word c = wrapped.moved(m[e]), quotient = wrapped.quotient(c);
            Word value = (quotient & first) - shifted[e] + wrapped.carried(c, top[e]);
            Word rho_value = quotient * rho[e] - rho_shifted[e] + wrapped.carried(c, rho_top[e]);
            out[e] = picked(-((bits >> i) & 1), value, rho_value);
        }
    }
}

// sum = the shares of rows, each with its weight, negated where its bit of beta is set; picked = the weights of those.
// Bit e of row i is bit i * n + e of beta. A few rows are too many streams for short visits: 256 elements at a time.
void weighed(const Word* shares, std::size_t rows, std::size_t n, const Word* beta, const Word* weights, Word* sum,
             Word* picked) {
    constexpr std::size_t kVisit = 256;
    const std::size_t words = (rows * n + 63) / 64;
    for (std::size_t start = 0; start < n; start += kVisit) {
        std::size_t count = smaller(kVisit, n - start);
        Word total[kVisit] = {}, chosen_weights[kVisit] = {};
        for (std::size_t i = 0; i < rows; ++i) {
            const Word weight = weights[i], *row = shares + i * n + start;
            for (std::size_t part = 0; part < count; part += 64) {
                std::size_t at = i * n + start + part, low = at % 64, here = smaller(64, count - part);
                Word bits = beta[at / 64] >> low;
                if (low && at / 64 + 1 < words) bits |= beta[at / 64 + 1] << (64 - low);
                for (std::size_t e = 0; e < here; ++e) {
                    Word negative = -((bits >> e) & 1), term = weight * row[part + e];
                    total[part + e] += (term ^ negative) - negative;
                    chosen_weights[part + e] += weight & negative;
                }
            }
        }
        std::memcpy(sum + start, total, count * sizeof(Word));
        std::memcpy(picked + start, chosen_weights, count * sizeof(Word));
    }
}
