// Products with few rows, which read the right operand once, from where it lies: packing it would cost more than the
// product. Included by each target after pack.h.

// c += one row times a matrix with contiguous rows: eight rows of b at a time, so that c is read and written less often.
void row_times(std::size_t columns, const Term<Matrix>& term, Word* c) {
    constexpr std::size_t kBatch = 8;
    for (std::size_t k = 0; k < term.inner; k += kBatch) {
        std::size_t depth = smaller(kBatch, term.inner - k), j = 0;
        alignas(64) Word left[kBatch * Tile::kCopies];
        for (std::size_t t = 0; t < depth; ++t) Tile::prepare(*part(term.a, 0, k + t).data, left + t * Tile::kCopies);
        const Word* first = part(term.b, k, 0).data;
        const std::ptrdiff_t step = term.b.row_step;
        for (; j + Tile::kLanes <= columns; j += Tile::kLanes) {
            typename Tile::Acc acc;
            Tile::clear(acc);
            for (std::size_t t = 0; t < depth; ++t)
                Tile::multiply_add(acc, left + t * Tile::kCopies,
                                   Tile::load(first + static_cast<std::ptrdiff_t>(t) * step + j));
            Tile::store(c + j, Tile::plus(Tile::finish(acc), Tile::load(c + j)));
        }
        for (; j < columns; ++j)
            for (std::size_t t = 0; t < depth; ++t)
                c[j] += left[t * Tile::kCopies] * first[static_cast<std::ptrdiff_t>(t) * step + j];
    }
}

// c += one row times a matrix with contiguous columns: dot products.
void row_dots(std::size_t columns, const Term<Matrix>& term, Word* c) {
    const std::size_t inner = term.inner;
    Word* left = scratch(0, inner);
    for (std::size_t k = 0; k < inner; ++k) left[k] = *part(term.a, 0, k).data;
    for (std::size_t j = 0; j < columns; ++j) {
        const Word* column = part(term.b, 0, j).data;
        typename Tile::Reg sums[2] = {Tile::zero(), Tile::zero()};
        std::size_t k = 0;
        for (; k + 2 * Tile::kLanes <= inner; k += 2 * Tile::kLanes)
            for (std::size_t v = 0; v < 2; ++v) {
                std::size_t at = k + v * Tile::kLanes;
                sums[v] = Tile::plus(sums[v], Tile::times(Tile::load(left + at), Tile::load(column + at)));
            }
        alignas(64) Word lanes[Tile::kLanes];
        Tile::store(lanes, Tile::plus(sums[0], sums[1]));
        Word sum = c[j];
        for (Word lane : lanes) sum += lane;
        for (; k < inner; ++k) sum += left[k] * column[k];
        c[j] = sum;
    }
}

constexpr std::size_t kTimesBatch = 8;

// c[rows, width] += a[rows, depth] @ b[depth, width] for at most kTimesBatch rows of b, which are contiguous; left holds
// the elements of a, prepared, column after column.
template <std::size_t depth>
void add_rows(std::size_t rows, std::size_t width, const Word* left, const Word* b, std::ptrdiff_t b_step, Word* c,
              std::size_t c_step) {
    std::size_t j = 0;
    for (; j + Tile::kLanes <= width; j += Tile::kLanes) {
        typename Tile::Reg right[depth];
        TACIT_UNROLL
        for (std::size_t t = 0; t < depth; ++t) right[t] = Tile::load(b + static_cast<std::ptrdiff_t>(t) * b_step + j);
        for (std::size_t r = 0; r < rows; ++r) {
            typename Tile::Acc acc;
            Tile::clear(acc);
            TACIT_UNROLL
            for (std::size_t t = 0; t < depth; ++t)
                Tile::multiply_add(acc, left + (t * rows + r) * Tile::kCopies, right[t]);
            Word* target = c + r * c_step + j;
            Tile::store(target, Tile::plus(Tile::finish(acc), Tile::load(target)));
        }
    }
    for (; j < width; ++j)
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t t = 0; t < depth; ++t)
                c[r * c_step + j] += left[(t * rows + r) * Tile::kCopies] * b[static_cast<std::ptrdiff_t>(t) * b_step + j];
}

// c += few rows times a matrix with contiguous rows, which are read once and in their order. The part of c that is
// worked on stays in the L1 cache.
void rows_times(std::size_t rows, std::size_t columns, const Term<Matrix>& term, Word* c, std::size_t c_step) {
    if (rows == 1) return row_times(columns, term, c);
    constexpr std::size_t kWords = 4096;
    const std::size_t block = kWords / rows / Tile::kLanes * Tile::kLanes;
    Word *left = scratch(0, rows * term.inner * Tile::kCopies), *to = left;
    for (std::size_t k = 0; k < term.inner; ++k)
        for (std::size_t r = 0; r < rows; ++r, to += Tile::kCopies) Tile::prepare(*part(term.a, r, k).data, to);
    for (std::size_t j = 0; j < columns; j += block) {
        std::size_t width = smaller(block, columns - j), k = 0;
        for (; k + kTimesBatch <= term.inner; k += kTimesBatch)
            add_rows<kTimesBatch>(rows, width, left + k * rows * Tile::kCopies, part(term.b, k, j).data,
                                  term.b.row_step, c + j, c_step);
        for (; k < term.inner; ++k)
            add_rows<1>(rows, width, left + k * rows * Tile::kCopies, part(term.b, k, j).data, term.b.row_step, c + j,
                        c_step);
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
    if (rows == 1) return row_dots(columns, term, c);
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
