// Products with few rows, which read the right operand once, from where it lies: packing it would cost more than the
// product. Included by each target after pack.h.

// One row times a matrix with contiguous rows: eight rows of b at a time, so that c is read and written less often.
void row_times(std::size_t columns, const Term<Matrix>& term, Word* c) {
    constexpr std::size_t kBatch = 8;
    for (std::size_t k = 0; k < term.inner; k += kBatch) {
        std::size_t depth = smaller(kBatch, term.inner - k), j = 0;
        alignas(64) Word left[kBatch * Tile::kCopies];
        for (std::size_t t = 0; t < depth; ++t) Tile::prepare(*part(term.a, 0, k + t).data, left + t * Tile::kCopies);
        for (; j + Tile::kLanes <= columns; j += Tile::kLanes) {
            typename Tile::Acc acc;
            Tile::clear(acc);
            for (std::size_t t = 0; t < depth; ++t)
                Tile::multiply_add(acc, left + t * Tile::kCopies, Tile::load(part(term.b, k + t, j).data));
            Tile::store(c + j, Tile::plus(Tile::finish(acc), Tile::load(c + j)));
        }
        for (; j < columns; ++j)
            for (std::size_t t = 0; t < depth; ++t) c[j] += left[t * Tile::kCopies] * *part(term.b, k + t, j).data;
    }
}

// c[m, n] += the dot products of m rows of a with n columns of b, all of them contiguous.
template <std::size_t m, std::size_t n>
void dots(std::size_t inner, const Word* a, std::ptrdiff_t a_step, const Word* b, std::ptrdiff_t b_step, Word* c,
          std::size_t c_step) {
    typename Tile::Reg sums[m][n];
    for (auto& row : sums)
        for (auto& sum : row) sum = Tile::zero();
    std::size_t whole = inner / Tile::kLanes * Tile::kLanes;
    for (std::size_t k = 0; k < whole; k += Tile::kLanes) {
        typename Tile::Reg right[n];
        TACIT_UNROLL
        for (std::size_t j = 0; j < n; ++j) right[j] = Tile::load(b + static_cast<std::ptrdiff_t>(j) * b_step + k);
        TACIT_UNROLL
        for (std::size_t i = 0; i < m; ++i) {
            typename Tile::Reg left = Tile::load(a + static_cast<std::ptrdiff_t>(i) * a_step + k);
            TACIT_UNROLL
            for (std::size_t j = 0; j < n; ++j) sums[i][j] = Tile::plus(sums[i][j], Tile::times(left, right[j]));
        }
    }
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j) {
            const Word *row = a + static_cast<std::ptrdiff_t>(i) * a_step,
                       *column = b + static_cast<std::ptrdiff_t>(j) * b_step;
            alignas(64) Word lanes[Tile::kLanes];
            Tile::store(lanes, sums[i][j]);
            Word sum = c[i * c_step + j];
            for (Word lane : lanes) sum += lane;
            for (std::size_t k = whole; k < inner; ++k) sum += row[k] * column[k];
            c[i * c_step + j] = sum;
        }
}

template <std::size_t m>
void dots_of(std::size_t columns, std::size_t inner, const Word* a, std::ptrdiff_t a_step, const Matrix& b,
             std::size_t first, Word* c, std::size_t c_step) {
    const Word* from = part(b, 0, first).data;
    switch (columns) {
        case 1: return dots<m, 1>(inner, a, a_step, from, b.column_step, c + first, c_step);
        case 2: return dots<m, 2>(inner, a, a_step, from, b.column_step, c + first, c_step);
        case 3: return dots<m, 3>(inner, a, a_step, from, b.column_step, c + first, c_step);
        default: return dots<m, 4>(inner, a, a_step, from, b.column_step, c + first, c_step);
    }
}

// Few rows times a matrix with contiguous columns. The columns of a block stay in the cache for all rows.
void rows_dot(std::size_t rows, std::size_t columns, const Term<Matrix>& term, Word* c, std::size_t c_step) {
    constexpr std::size_t kAtOnce = Tile::kLanes == 8 ? 4 : 2;  // 4 x 4 sums fit in 32 registers, 2 x 2 in 16
    const Word* a = term.a.data;
    std::ptrdiff_t a_step = term.a.row_step;
    if (term.a.column_step != 1) {
        Word* laid_out = scratch(0, rows * term.inner);
        for (std::size_t i = 0; i < rows; ++i)
            for (std::size_t k = 0; k < term.inner; ++k) laid_out[i * term.inner + k] = *part(term.a, i, k).data;
        a = laid_out;
        a_step = static_cast<std::ptrdiff_t>(term.inner);
    }
    for (std::size_t j = 0; j < columns; j += kAtOnce) {
        std::size_t width = smaller(kAtOnce, columns - j);
        for (std::size_t i = 0; i < rows; i += kAtOnce) {
            const Word* left = a + static_cast<std::ptrdiff_t>(i) * a_step;
            Word* target = c + i * c_step;
            switch (smaller(kAtOnce, rows - i)) {
                case 1: dots_of<1>(width, term.inner, left, a_step, term.b, j, target, c_step); break;
                case 2: dots_of<2>(width, term.inner, left, a_step, term.b, j, target, c_step); break;
                case 3: dots_of<3>(width, term.inner, left, a_step, term.b, j, target, c_step); break;
                default: dots_of<4>(width, term.inner, left, a_step, term.b, j, target, c_step); break;
            }
        }
    }
}
