// Sums of matrix products modulo 2^64: cache blocks, packed panels and a register tile (Goto and van de Geijn, "Anatomy
// of High-Performance Matrix Multiplication", 2008). Included by each target inside its own anonymous namespace, after it
// has defined `Tile` (see tile.h) and `Lanes` (see planes.h).
#include "tile.h"
#include "pack.h"
#include "skinny_gemm.h"
#include "direct_convolution.h"

constexpr std::size_t kInnerBlock = 384;       // fewer passes over c; a panel of b, 384 x 16 words, comes from the L2 cache
constexpr std::size_t kRowBlock = 48;          // a block of a, 48 x 384 words, stays in the L2 cache
constexpr std::size_t kColumnBlock = 1536;     // a block of b, 384 x 1536 words, stays in the L3 cache
constexpr std::size_t kPanels = kColumnBlock / kTileColumns;
constexpr std::size_t kFewRows = 8;            // so few rows do not pay for packing b (see skinny_gemm.h)
static_assert(kRowBlock % Tile::kRows == 0 && kColumnBlock % kTileColumns == 0 && kTileColumns <= kSlack);

// One tile that is not whole, or whose columns belong to several samples: computed beside c, then put where it belongs.
void put_tile(std::size_t rows, std::size_t inner, const Word* a, const Word* b, const Place& place, std::size_t row,
              const Result& c, bool add) {
    alignas(64) Word whole[Tile::kRows * kTileColumns];
    edge_tile(rows, place.live, inner, a, b, whole);
    Word* sample = c.data + place.sample * c.sample_step + row * c.row_step;
    for (std::size_t j = 0, at = place.first; j < place.live; sample += c.sample_step, at = 0) {
        std::size_t count = smaller(place.live - j, c.columns - at);
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t t = 0; t < count; ++t) {
                Word& target = sample[r * c.row_step + at + t];
                target = (add ? target : 0) + whole[r * kTileColumns + j + t];
            }
        j += count;
    }
}

// All tiles of one block of rows with `count` panels from panel q on.
void block(std::size_t rows, std::size_t inner, const Word* a, const Word* b, std::size_t q, std::size_t count,
           std::size_t row, const Result& c, bool add) {
    for (std::size_t p = 0; p < count; ++p, b += inner * kTileColumns) {
        Place place(c, q + p);
        bool whole = place.whole(c);
        for (std::size_t i = 0; i < rows; i += Tile::kRows) {
            const Word* left = a + i * inner * Tile::kCopies;
            Word* target = place.in(c) + (row + i) * c.row_step;
            std::size_t live = smaller(Tile::kRows, rows - i);
            if (whole && live == Tile::kRows)
                tile<Tile::kRows>(inner, left, b, target, c.row_step, add);
            else if (whole && live == 1)
                tile<1>(inner, left, b, target, c.row_step, add);
            else
                put_tile(live, inner, left, b, place, row + i, c, add);
        }
    }
}

// c (+)= the sum of all terms, in one pass over its blocks. A matrix that comes again is packed again: most of what that
// takes is reading it, and to keep it packed was measured to save nothing from 96 rows on, a tenth at 24.
template <class Right>
void blocked(std::size_t rows, const Term<Right>* terms, std::size_t count, const Result& c, bool onto) {
    Word* packed_a = scratch(0, kRowBlock * kInnerBlock * Tile::kCopies + Lanes::kLanes);
    std::size_t panels = (c.samples * c.columns + kTileColumns - 1) / kTileColumns;
    for (std::size_t q = 0; q < panels; q += kPanels) {
        std::size_t here = smaller(kPanels, panels - q);
        bool add = onto;
        for (const Term<Right>* term = terms; term != terms + count; ++term)
            for (std::size_t k = 0; k < term->inner; k += kInnerBlock, add = true) {
                std::size_t depth = smaller(kInnerBlock, term->inner - k);
                Word* packed_b = scratch(1, (here * depth + 1) * kTileColumns);
                pack_panels(term->b, k, depth, c, q, here, packed_b);
                for (std::size_t i = 0; i < rows; i += kRowBlock) {
                    std::size_t height = smaller(kRowBlock, rows - i);
                    pack_rows(height, depth, part(term->a, i, k), packed_a);
                    block(height, depth, packed_a, packed_b, q, here, i, c, add);
                }
            }
    }
}

void set_to_zero(std::size_t rows, const Result& c) {
    for (std::size_t s = 0; s < c.samples; ++s)
        for (std::size_t i = 0; i < rows; ++i)
            for (std::size_t j = 0; j < c.columns; ++j) c.data[s * c.sample_step + i * c.row_step + j] = 0;
}

// How a product is best computed.
enum class Way { kNothing, kTimes, kDots, kBlocked };

Way way(std::size_t rows, const Term<Matrix>& term) {
    if (term.inner == 0) return Way::kNothing;
    if (rows > kFewRows) return Way::kBlocked;
    if (term.b.column_step == 1) return Way::kTimes;
    return term.b.row_step == 1 ? Way::kDots : Way::kBlocked;
}

void gemm(std::size_t rows, const Term<Matrix>* terms, std::size_t count, Result c) {
    Term<Matrix> row[kMostTerms];
    if (c.columns == 1 && c.row_step == 1) {  // a matrix times a column is that column, as a row, times the transpose
        for (std::size_t t = 0; t < count; ++t)
            row[t] = {terms[t].inner,
                      {terms[t].b.data, terms[t].b.column_step, terms[t].b.row_step},
                      {terms[t].a.data, terms[t].a.column_step, terms[t].a.row_step}};
        terms = row;
        c.columns = c.row_step = rows;
        rows = 1;
    }
    bool packed = true;
    for (std::size_t t = 0; t < count; ++t) packed = packed && way(rows, terms[t]) == Way::kBlocked;
    if (packed) return blocked(rows, terms, count, c, false);
    set_to_zero(rows, c);
    for (const Term<Matrix>* term = terms; term != terms + count; ++term) switch (way(rows, *term)) {
            case Way::kNothing: break;
            case Way::kTimes: rows_times(rows, c.columns, *term, c.data, c.row_step); break;
            case Way::kDots: rows_dot(rows, c.columns, *term, c.data, c.row_step); break;
            case Way::kBlocked: blocked(rows, term, 1, c, true); break;
        }
}

void convolve(std::size_t rows, const Term<Windows>* terms, std::size_t count, Result c) {
    bool slack = true;
    for (std::size_t t = 0; t < count; ++t) slack = slack && terms[t].b.slack;
    if (rows == 1 && slack)
        slide_row(terms, count, c);
    else
        blocked(rows, terms, count, c, false);
}
