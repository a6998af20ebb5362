// Products of masked bits, multiplied out. Included by each target after elementary.h.

constexpr std::size_t kMostVariables = 8, kWordsAtATime = 32;

// The product over its variables v of (opened[v] ^ m[v]), for each monomial, from shares of the products of the m.
// plan: for each monomial how many variables it has and which, then for each set of them, by the bits of 1, 2, 3, ...,
// the row of `masks` (below `variables`) or, beyond, of `products`. one: this party's share of a word of ones.
void conjunctions(const Word* opened, const Word* masks, const Word* products, std::size_t variables, std::size_t length,
                  std::size_t monomials, const Word* plan, Word one, Word* out) {
    for (std::size_t start = 0; start < length; start += kWordsAtATime) {
        std::size_t count = smaller(kWordsAtATime, length - start);
        const Word* next = plan;
        for (std::size_t i = 0; i < monomials; ++i) {
            Word part[(std::size_t{1} << kMostVariables) * kWordsAtATime];
            std::size_t size = *next++;
            const Word* named = next;
            next += size;
            for (std::size_t w = 0; w < count; ++w) part[w] = one;
            for (std::size_t set = 1; set < std::size_t{1} << size; ++set) {
                std::size_t row = *next++;
                const Word* from = row < variables ? masks + row * length : products + (row - variables) * length;
                std::memcpy(part + set * kWordsAtATime, from + start, count * sizeof(Word));
            }
            for (std::size_t v = size; v-- > 0;) {  // sets without v take in those with it
                std::size_t half = (std::size_t{1} << v) * kWordsAtATime;
                const Word* u = opened + named[v] * length + start;
                for (std::size_t set = 0; set < half; set += kWordsAtATime)
                    for (std::size_t w = 0; w < count; ++w)
                        part[set + w] = part[set + half + w] ^ (u[w] & part[set + w]);
            }
            std::memcpy(out + i * length + start, part, count * sizeof(Word));
        }
    }
}
