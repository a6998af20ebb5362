// Exp, sines and cosines of public numbers as src/tacit/ring/elementary.py defines them, and their products with dealt
// tables (src/tacit/ring/lookup.py): the same sums and products of float64 in the same order, so that every party has
// the same words. No library functions, and the build forbids fused multiply-add. A block of elements at a time, in
// plain loops: the compiler makes vectors of them. Included by each target after masked.h.

constexpr std::size_t kBlock = 256;
constexpr std::size_t kExpTerms = 15, kWaveTerms = 9;

// The memory of a double and of a word.
inline double as_double(Word bits) {
    double value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

inline Word as_word(double value) {
    Word bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

// x as the nearest double: both halves are exact, and their sum rounds once.
inline double to_double(Word x) {
    double high = as_double((x >> 32) | 0x4530000000000000) - (0x1p84 + 0x1p52);
    return high + as_double((x & 0xFFFFFFFF) | 0x4330000000000000);
}

// The nearest whole number, ties to even, for |x| < 2^51: beyond 2^52 a double has no fraction.
constexpr double kWhole = 0x1.8p52;
inline Word nearest(double x) { return as_word(x + kWhole) - as_word(kWhole); }

template <std::size_t terms>
inline double polynomial(const double* coefficients, double x) {
    double total = coefficients[terms - 1];
    for (std::size_t k = terms - 1; k-- > 0;) {
        total = total * x;
        total = total + coefficients[k];
    }
    return total;
}

inline double power_of_two(int exponent) { return as_double(static_cast<Word>(1023 + exponent) << 52); }
inline Word low_bits(unsigned bits) { return (Word{1} << bits) - 1; }
inline Word whole_part(Word x, unsigned bits) { return static_cast<Word>(static_cast<std::int64_t>(x) >> bits); }

// Sine and cosine of m / 2^bits turns. series: the coefficients of the sine, then those of the cosine.
inline void angles(const Word* m, std::size_t count, unsigned bits, const double* series, double* sine, double* cosine) {
    const double unit = power_of_two(-static_cast<int>(bits));
    const Word mask = low_bits(bits);
    for (std::size_t e = 0; e < count; ++e) {
        double turns = to_double(m[e] & mask) * unit;
        double shifted = turns * 4 + kWhole;
        Word quarter = as_word(shifted) - as_word(kWhole);
        double rest = turns - (shifted - kWhole) * 0.25;
        double square = rest * rest;
        double s = polynomial<kWaveTerms>(series, square) * rest;
        double c = polynomial<kWaveTerms>(series + kWaveTerms, square);
        Word swapped = -(quarter & 1), sum = as_word(s) ^ as_word(c);
        Word first = as_word(s) ^ (sum & swapped), second = as_word(c) ^ (sum & swapped);
        sine[e] = as_double(first ^ ((quarter & 2) << 62));  // the sign is the highest bit
        cosine[e] = as_double(second ^ (((quarter + 1) & 2) << 62));
    }
}

// From the sine and the cosine of k t to those of (k + 1) t.
inline void advance(std::size_t count, const double* sine, const double* cosine, double* s, double* c) {
    for (std::size_t e = 0; e < count; ++e) {
        double next = s[e] * cosine[e] + c[e] * sine[e];
        c[e] = c[e] * cosine[e] - s[e] * sine[e];
        s[e] = next;
    }
}

void harmonics(const Word* a, std::size_t n, unsigned bits, const double* series, std::size_t terms, unsigned scale,
               Word* sines, Word* cosines) {
    const double unit = power_of_two(static_cast<int>(scale));
    double sine[kBlock], cosine[kBlock], s[kBlock], c[kBlock];
    for (std::size_t start = 0; start < n; start += kBlock) {
        std::size_t count = smaller(kBlock, n - start);
        angles(a + start, count, bits, series, sine, cosine);
        std::memcpy(s, sine, sizeof s);
        std::memcpy(c, cosine, sizeof c);
        for (std::size_t k = 0; k < terms; ++k) {
            if (k) advance(count, sine, cosine, s, c);
            Word *to_sine = sines + k * n + start, *to_cosine = cosines + k * n + start;
            for (std::size_t e = 0; e < count; ++e) to_sine[e] = nearest(s[e] * unit);
            for (std::size_t e = 0; e < count; ++e) to_cosine[e] = nearest(c[e] * unit);
        }
    }
}

void waves(const Word* m, std::size_t n, unsigned bits, const double* series, std::size_t terms, std::size_t count_of,
           const double* coefficients, unsigned scale, const Word* constants, const Word* sines, const Word* cosines,
           Word* out) {
    const double unit = power_of_two(static_cast<int>(scale));
    double sine[kBlock], cosine[kBlock], s[kBlock], c[kBlock];
    for (std::size_t start = 0; start < n; start += kBlock) {
        std::size_t count = smaller(kBlock, n - start);
        angles(m + start, count, bits, series, sine, cosine);
        std::memcpy(s, sine, sizeof s);
        std::memcpy(c, cosine, sizeof c);
        for (std::size_t i = 0; i < count_of; ++i)
            for (std::size_t e = 0; e < count; ++e) out[i * n + start + e] = constants[i];
        for (std::size_t k = 0; k < terms; ++k) {
            if (k) advance(count, sine, cosine, s, c);
            const Word *of_sine = sines + k * n + start, *of_cosine = cosines + k * n + start;
            for (std::size_t i = 0; i < count_of; ++i) {
                double x = coefficients[2 * (i * terms + k)], y = coefficients[2 * (i * terms + k) + 1];
                if (x == 0 && y == 0) continue;
                Word* total = out + i * n + start;
                for (std::size_t e = 0; e < count; ++e)  // sin k(m + a) and cos k(m + a), multiplied out
                    total[e] += nearest((s[e] * x + c[e] * y) * unit) * of_cosine[e] +
                                nearest((c[e] * x - s[e] * y) * unit) * of_sine[e];
            }
        }
    }
}

void exp_table(const Word* r, std::size_t n, unsigned bits, const double* series, unsigned integer_bits,
               unsigned step_bits, const double* powers, unsigned scale, Word* table) {
    const double unit = power_of_two(static_cast<int>(scale)), fine = power_of_two(-static_cast<int>(bits));
    const Word mask = low_bits(bits), wrap = low_bits(integer_bits);
    double begin[kBlock];
    Word whole[kBlock];
    for (std::size_t start = 0; start < n; start += kBlock) {
        std::size_t count = smaller(kBlock, n - start);
        for (std::size_t e = 0; e < count; ++e) {
            Word word = r[start + e];
            double value = polynomial<kExpTerms>(series, to_double(-word & mask) * fine - 0.5);
            begin[e] = (word & mask) == 0 ? value : value * powers[1];
            whole[e] = whole_part(word, bits);
        }
        for (Word row = 0; row << step_bits <= wrap; ++row)
            for (std::size_t e = 0; e < count; ++e)
                table[row * n + start + e] = nearest(begin[e] * powers[(whole[e] - (row << step_bits)) & wrap] * unit);
    }
}

void exp_products(const Word* m, std::size_t n, unsigned bits, const double* series, unsigned integer_bits,
                  unsigned step_bits, std::size_t shifts, const Word* offsets, const double* powers, unsigned scale,
                  const Word* table, Word* out) {
    const double unit = power_of_two(static_cast<int>(scale)), fine = power_of_two(-static_cast<int>(bits));
    const Word mask = low_bits(bits), wrap = low_bits(integer_bits), inside = low_bits(step_bits);
    for (std::size_t start = 0; start < n; start += kBlock) {
        std::size_t count = smaller(kBlock, n - start);
        double fraction[kBlock];
        for (std::size_t e = 0; e < count; ++e)
            fraction[e] = polynomial<kExpTerms>(series, to_double(m[start + e] & mask) * fine - 0.5);
        for (std::size_t i = 0; i < shifts; ++i) {
            const double* factors = powers + (i << step_bits);
            for (std::size_t e = 0; e < count; ++e) {
                Word whole = (whole_part(m[start + e], bits) - offsets[i]) & wrap;
                Word entry = table[(whole >> step_bits) * n + start + e];
                out[i * n + start + e] = nearest(fraction[e] * factors[whole & inside] * unit) * entry;
            }
        }
    }
}
