// Tables over chunks of four bits (the last one may be narrower), on bit planes: kLanes words of all planes at a time.
// A chunk of b bits has 2^b - 1 rows; row v says whether the chunk of r is at most v, and the last row would be all ones.
// Included by each target after planes.h.

constexpr std::size_t kChunk = 4, kEntries = std::size_t{1} << kChunk;

// Planes of which some words may be missing at the end of a row.
struct Rows {
    const Word* data;
    std::size_t step;  // words in a row
    std::size_t first, count;

    Lanes::Reg read(std::size_t row) const {
        const Word* from = data + row * step + first;
        if (count == Lanes::kLanes) return Lanes::load(from);
        alignas(64) Word part[Lanes::kLanes] = {};
        std::memcpy(part, from, count * sizeof(Word));
        return Lanes::load(part);
    }
    void write(Word* to, std::size_t row, Lanes::Reg value) const {
        Word* into = to + row * step + first;
        if (count == Lanes::kLanes) return Lanes::store(into, value);
        alignas(64) Word part[Lanes::kLanes];
        Lanes::store(part, value);
        std::memcpy(into, part, count * sizeof(Word));
    }
};

// The entry that the public digits name, lowest digit first; entries[0 .. 2^width) are used up.
Lanes::Reg chosen(Lanes::Reg* entries, const Lanes::Reg* digits, std::size_t width) {
    for (std::size_t d = width; d-- > 0;) {
        std::size_t half = std::size_t{1} << d;
        for (std::size_t i = 0; i < half; ++i)
            entries[i] = Lanes::exclusive_or(
                entries[i], Lanes::both(digits[d], Lanes::exclusive_or(entries[i], entries[i + half])));
    }
    return entries[0];
}

void look_up(const Word* tables, const Word* digits, std::size_t bits, std::size_t words, Word one, Word* less,
             Word* equal) {
    Lanes::Reg ones = Lanes::constant(one);
    for (std::size_t first = 0; first < words; first += Lanes::kLanes) {
        std::size_t count = smaller(Lanes::kLanes, words - first);
        Rows table{tables, words, first, count}, digit{digits, words, first, count};
        std::size_t row = 0;
        for (std::size_t bit = 0, chunk = 0; bit < bits; bit += kChunk, ++chunk) {
            std::size_t width = smaller(kChunk, bits - bit), last = (std::size_t{1} << width) - 1;
            Lanes::Reg at[kEntries], below[kEntries], named[kChunk];
            for (std::size_t d = 0; d < width; ++d) named[d] = digit.read(bit + d);
            below[0] = Lanes::constant(0);
            for (std::size_t v = 0; v < last; ++v) at[v] = below[v + 1] = table.read(row + v);
            at[last] = ones;
            Lanes::Reg reached = chosen(at, named, width), before = chosen(below, named, width);
            table.write(less, chunk, Lanes::exclusive_or(ones, reached));
            table.write(equal, chunk, Lanes::exclusive_or(reached, before));
            row += last;
        }
    }
}

void prefix_tables(const Word* planes, std::size_t bits, std::size_t words, Word* tables) {
    for (std::size_t first = 0; first < words; first += Lanes::kLanes) {
        Rows plane{planes, words, first, smaller(Lanes::kLanes, words - first)};
        std::size_t row = 0;
        for (std::size_t bit = 0; bit < bits; bit += kChunk) {
            std::size_t width = smaller(kChunk, bits - bit), last = (std::size_t{1} << width) - 1;
            Lanes::Reg hot[kEntries];
            hot[0] = Lanes::constant(~Word{0});
            for (std::size_t d = 0; d < width; ++d) {  // entry v of d digits becomes v and v + 2^d
                Lanes::Reg digit = plane.read(bit + d);
                for (std::size_t v = 0, half = std::size_t{1} << d; v < half; ++v) {
                    hot[v + half] = Lanes::both(hot[v], digit);
                    hot[v] = Lanes::exclusive_or(hot[v], hot[v + half]);
                }
            }
            Lanes::Reg reached = Lanes::constant(0);
            for (std::size_t v = 0; v < last; ++v) {
                reached = Lanes::exclusive_or(reached, hot[v]);
                plane.write(tables, row + v, reached);
            }
            row += last;
        }
    }
}
