// Between real numbers and ring integers (src/tacit/ring/fixed_point.py). Plain loops: the compiler makes vectors of
// them. Included by each target after masked.h.

// out = x * factor, a power of two, to the nearest integer, ties to even. False if one is not within +-2^62, or NaN.
template <class Real>
bool encode(const Real* x, std::size_t n, double factor, Word* out) {
    constexpr double kLimit = 4611686018427387904.0;  // 2^62
    constexpr double kWhole = 4503599627370496.0;     // 2^52: from there on every double is an integer
    Word outside = 0;
    for (std::size_t e = 0; e < n; ++e) {
        double scaled = static_cast<double>(x[e]) * factor, size = std::fabs(scaled);
        bool inside = size < kLimit;
        outside |= inside ? 0 : 1;
        double whole = std::copysign((size + kWhole) - kWhole, scaled);  // the sum rounds
        double rounded = size < kWhole ? whole : scaled;
        out[e] = static_cast<Word>(static_cast<std::int64_t>(inside ? rounded : 0.0));
    }
    return outside == 0;
}

// out = ring, read as signed, times factor, a power of two; correctly rounded.
template <class Real>
void decode(const Word* ring, std::size_t n, double factor, Real* out) {
    const Real scale = static_cast<Real>(factor);
    for (std::size_t e = 0; e < n; ++e) out[e] = static_cast<Real>(static_cast<std::int64_t>(ring[e])) * scale;
}
