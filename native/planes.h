// Bit planes by transposing 64 x 64 bit matrices (Hacker's Delight, 7-3), one matrix in each lane of a vector: every
// step is then a plain vector operation, and a plane's words of neighbouring matrices lie side by side in memory.
// Included by each target after gemm.h; besides `Tile` it uses
//   Lanes::Reg, Lanes::kLanes, load, store, shift_left<n>, shift_right<n>, exclusive_or, both, constant
//   Lanes::transpose(Reg (&rows)[kLanes])   swap lanes and rows of a kLanes x kLanes square of words

// Swap the high half of `low` with the low half of `high`, in fields of 2 * step bits.
template <int step>
void swap_halves(Lanes::Reg& low, Lanes::Reg& high) {
    constexpr Word mask = ~Word{0} / ((Word{1} << step) + 1);
    Lanes::Reg swap = Lanes::both(Lanes::exclusive_or(Lanes::shift_right<step>(low), high), Lanes::constant(mask));
    high = Lanes::exclusive_or(high, swap);
    low = Lanes::exclusive_or(low, Lanes::shift_left<step>(swap));
}

// Three of the six steps on eight rows whose numbers differ in three bits; step is the distance of the first pair.
template <int step>
void three_steps(Lanes::Reg (&rows)[8]) {
    for (int i = 0; i < 4; ++i) swap_halves<step>(rows[i], rows[i + 4]);
    for (int i = 0; i < 2; ++i) swap_halves<step / 2>(rows[i], rows[i + 2]);
    for (int i = 4; i < 6; ++i) swap_halves<step / 2>(rows[i], rows[i + 2]);
    for (int i = 0; i < 8; i += 2) swap_halves<step / 4>(rows[i], rows[i + 1]);
}

constexpr std::size_t kSquare = 64;                               // elements and planes of one matrix
constexpr std::size_t kGroup = kSquare * Lanes::kLanes;            // elements that are transposed at once

// Elements of kLanes matrices -> planes; plane j's words are written to planes + j * plane_step.
void group_to_planes(const Word* x, std::size_t width, Word* planes, std::size_t plane_step) {
    alignas(64) Word rows[kGroup];  // row e, lane b: element e of matrix b
    for (std::size_t e = 0; e < kSquare; e += Lanes::kLanes) {
        Lanes::Reg square[Lanes::kLanes];
        for (std::size_t b = 0; b < Lanes::kLanes; ++b) square[b] = Lanes::load(x + b * kSquare + e);
        Lanes::transpose(square);
        for (std::size_t b = 0; b < Lanes::kLanes; ++b) Lanes::store(rows + (e + b) * Lanes::kLanes, square[b]);
    }
    std::size_t eights = (width + 7) / 8;  // groups of eight planes that are wanted
    for (std::size_t r = 0; r < 8; ++r) {
        Lanes::Reg eight[8];
        for (std::size_t q = 0; q < 8; ++q) eight[q] = Lanes::load(rows + (r + 8 * q) * Lanes::kLanes);
        three_steps<32>(eight);
        for (std::size_t q = 0; q < eights; ++q) Lanes::store(rows + (r + 8 * q) * Lanes::kLanes, eight[q]);
    }
    for (std::size_t q = 0; q < eights; ++q) {
        Lanes::Reg eight[8];
        for (std::size_t r = 0; r < 8; ++r) eight[r] = Lanes::load(rows + (8 * q + r) * Lanes::kLanes);
        three_steps<4>(eight);
        for (std::size_t r = 0; r < smaller(8, width - 8 * q); ++r)
            Lanes::store(planes + (8 * q + r) * plane_step, eight[r]);
    }
}

// Planes -> elements of kLanes matrices.
void group_from_planes(const Word* planes, std::size_t plane_step, std::size_t width, Word* x) {
    alignas(64) Word rows[kGroup];  // row j, lane b: plane j of matrix b
    std::size_t eights = (width + 7) / 8;
    for (std::size_t q = 0; q < eights; ++q) {
        Lanes::Reg eight[8];
        for (std::size_t r = 0; r < 8; ++r)
            eight[r] = 8 * q + r < width ? Lanes::load(planes + (8 * q + r) * plane_step) : Lanes::constant(0);
        three_steps<4>(eight);
        for (std::size_t r = 0; r < 8; ++r) Lanes::store(rows + (8 * q + r) * Lanes::kLanes, eight[r]);
    }
    for (std::size_t r = 0; r < 8; ++r) {
        Lanes::Reg eight[8];
        for (std::size_t q = 0; q < 8; ++q)
            eight[q] = q < eights ? Lanes::load(rows + (r + 8 * q) * Lanes::kLanes) : Lanes::constant(0);
        three_steps<32>(eight);
        for (std::size_t q = 0; q < 8; ++q) Lanes::store(rows + (r + 8 * q) * Lanes::kLanes, eight[q]);
    }
    for (std::size_t e = 0; e < kSquare; e += Lanes::kLanes) {
        Lanes::Reg square[Lanes::kLanes];
        for (std::size_t b = 0; b < Lanes::kLanes; ++b) square[b] = Lanes::load(rows + (e + b) * Lanes::kLanes);
        Lanes::transpose(square);
        for (std::size_t b = 0; b < Lanes::kLanes; ++b) Lanes::store(x + b * kSquare + e, square[b]);
    }
}

void to_planes(const Word* x, std::size_t n, std::size_t width, Word* planes) {
    std::size_t step = (n + kSquare - 1) / kSquare, start = 0;
    for (; start + kGroup <= n; start += kGroup) group_to_planes(x + start, width, planes + start / kSquare, step);
    if (start == n) return;
    alignas(64) Word rest[kGroup] = {}, result[kGroup];
    std::memcpy(rest, x + start, (n - start) * sizeof(Word));
    group_to_planes(rest, width, result, Lanes::kLanes);
    for (std::size_t j = 0; j < width; ++j)
        for (std::size_t w = start / kSquare; w < step; ++w)
            planes[j * step + w] = result[j * Lanes::kLanes + w - start / kSquare];
}

void from_planes(const Word* planes, std::size_t n, std::size_t width, Word* x) {
    std::size_t step = (n + kSquare - 1) / kSquare, start = 0;
    for (; start + kGroup <= n; start += kGroup) group_from_planes(planes + start / kSquare, step, width, x + start);
    if (start == n) return;
    alignas(64) Word rest[kGroup] = {}, result[kGroup];
    for (std::size_t j = 0; j < width; ++j)
        for (std::size_t w = start / kSquare; w < step; ++w)
            rest[j * Lanes::kLanes + w - start / kSquare] = planes[j * step + w];
    group_from_planes(rest, Lanes::kLanes, width, result);
    std::memcpy(x + start, result, (n - start) * sizeof(Word));
}

// `Lanes::pack` makes one word of 64 bytes, `Lanes::unpack` does the opposite.
void pack_bits(const std::uint8_t* bits, std::size_t n, Word* out) {
    std::size_t start = 0;
    for (; start + kSquare <= n; start += kSquare) *out++ = Lanes::pack(bits + start);
    if (start == n) return;
    std::uint8_t rest[kSquare] = {};
    std::memcpy(rest, bits + start, n - start);
    *out = Lanes::pack(rest);
}

void unpack_bits(const Word* plane, std::size_t n, std::uint8_t* bits) {
    std::size_t start = 0;
    for (; start + kSquare <= n; start += kSquare) Lanes::unpack(*plane++, bits + start);
    if (start == n) return;
    std::uint8_t rest[kSquare];
    Lanes::unpack(*plane, rest);
    std::memcpy(bits + start, rest, n - start);
}
