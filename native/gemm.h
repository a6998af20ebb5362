// Matrix product modulo 2^64: cache blocks, packed panels and a register tile (Goto and van de Geijn, "Anatomy of
// High-Performance Matrix Multiplication", 2008). Included by each target inside its own anonymous namespace, after
// it has defined `Tile`:
//   Reg, kLanes         a vector of words and how many it holds
//   Acc                 what one vector of results is summed up in
//   kRows, kVectors     the register tile: kRows x (kVectors * kLanes) results
//   kCopies             words that one element of `a` takes in a packed panel
//   load, store, zero, prepare(element, packed), multiply_add(acc, packed element, b), finish(acc)

constexpr std::size_t kTileColumns = Tile::kVectors * Tile::kLanes;
constexpr std::size_t kInnerBlock = 192;       // a panel of b, 192 x 16 words at most, fills half of the L1 cache
constexpr std::size_t kRowBlock = 96;          // a block of a, 96 x 192 words, stays in the L2 cache
constexpr std::size_t kColumnBlock = 1536;     // a block of b, 192 x 1536 words, stays in the L3 cache
constexpr std::size_t kDotRows = 2;                    // so few rows do not pay for packing b by columns
constexpr std::size_t kDirectRows = 2 * Tile::kRows;  // nor so few for packing b where its rows are contiguous
constexpr std::size_t kHalfRows = (Tile::kRows + 1) / 2, kQuarterRows = (kHalfRows + 1) / 2;
static_assert(kRowBlock % Tile::kRows == 0 && kColumnBlock % kTileColumns == 0);

std::size_t smaller(std::size_t x, std::size_t y) { return x < y ? x : y; }

// One register tile: c[rows_here, kTileColumns] (+)= panel a @ b, whose rows are b_step words apart. A panel of a
// always has kRows rows; at an edge a tile may take fewer of them.
template <std::size_t rows_here>
void tile(std::size_t inner, const Word* a, const Word* b, std::size_t b_step, Word* c, std::size_t c_step, bool add) {
    typename Tile::Acc acc[rows_here][Tile::kVectors];
    for (auto& row : acc)
        for (auto& vector : row) Tile::clear(vector);
    for (std::size_t k = 0; k < inner; ++k) {
        typename Tile::Reg right[Tile::kVectors];
        for (std::size_t v = 0; v < Tile::kVectors; ++v) right[v] = Tile::load(b + v * Tile::kLanes);
        TACIT_UNROLL
        for (std::size_t r = 0; r < rows_here; ++r) {
            TACIT_UNROLL
            for (std::size_t v = 0; v < Tile::kVectors; ++v)
                Tile::multiply_add(acc[r][v], a + r * Tile::kCopies, right[v]);
        }
        a += Tile::kRows * Tile::kCopies;
        b += b_step;
    }
    TACIT_UNROLL
    for (std::size_t r = 0; r < rows_here; ++r) {
        TACIT_UNROLL
        for (std::size_t v = 0; v < Tile::kVectors; ++v) {
            Word* target = c + r * c_step + v * Tile::kLanes;
            auto sum = Tile::finish(acc[r][v]);
            Tile::store(target, add ? Tile::plus(sum, Tile::load(target)) : sum);
        }
    }
}

// A tile at the edge: computed beside c with at least the rows that exist, then the part that exists is copied.
void edge_tile(std::size_t inner, const Word* a, const Word* b, std::size_t b_step, Word* c, std::size_t c_step,
               bool add, std::size_t rows, std::size_t columns) {
    alignas(64) Word whole[Tile::kRows * kTileColumns];
    if (rows <= kQuarterRows)
        tile<kQuarterRows>(inner, a, b, b_step, whole, kTileColumns, false);
    else if (rows <= kHalfRows)
        tile<kHalfRows>(inner, a, b, b_step, whole, kTileColumns, false);
    else
        tile<Tile::kRows>(inner, a, b, b_step, whole, kTileColumns, false);
    for (std::size_t r = 0; r < rows; ++r)
        for (std::size_t j = 0; j < columns; ++j) {
            Word sum = whole[r * kTileColumns + j];
            c[r * c_step + j] = add ? c[r * c_step + j] + sum : sum;
        }
}

// Rows of a as panels of kRows: [panel][inner][kRows], missing rows zero.
void pack_rows(std::size_t rows, std::size_t inner, Matrix a, Word* out) {
    for (std::size_t first = 0; first < rows; first += Tile::kRows) {
        std::size_t live = smaller(Tile::kRows, rows - first);
        for (std::size_t r = 0; r < Tile::kRows; ++r) {
            const Word* from = a.data + static_cast<std::ptrdiff_t>(first + r) * a.row_step;
            Word* to = out + r * Tile::kCopies;
            for (std::size_t k = 0; k < inner; ++k, to += Tile::kRows * Tile::kCopies)
                Tile::prepare(r < live ? from[static_cast<std::ptrdiff_t>(k) * a.column_step] : 0, to);
        }
        out += inner * Tile::kRows * Tile::kCopies;
    }
}

// Columns of b as panels of kTileColumns: [panel][inner][kTileColumns], missing columns zero.
void pack_columns(std::size_t columns, std::size_t inner, Matrix b, Word* out) {
    for (std::size_t first = 0; first < columns; first += kTileColumns) {
        std::size_t live = smaller(kTileColumns, columns - first);
        const Word* from = b.data + static_cast<std::ptrdiff_t>(first) * b.column_step;
        if (b.column_step == 1 && live == kTileColumns) {
            for (std::size_t k = 0; k < inner; ++k) {
                const Word* row = from + static_cast<std::ptrdiff_t>(k) * b.row_step;
                for (std::size_t v = 0; v < Tile::kVectors; ++v)
                    Tile::store(out + k * kTileColumns + v * Tile::kLanes, Tile::load(row + v * Tile::kLanes));
            }
        } else {
            for (std::size_t j = 0; j < kTileColumns; ++j) {
                const Word* column = from + static_cast<std::ptrdiff_t>(j) * b.column_step;
                for (std::size_t k = 0; k < inner; ++k)
                    out[k * kTileColumns + j] = j < live ? column[static_cast<std::ptrdiff_t>(k) * b.row_step] : 0;
            }
        }
        out += inner * kTileColumns;
    }
}

// All tiles of one block; b is packed, or lies in memory with rows b_step apart where `direct`.
void block(std::size_t rows, std::size_t columns, std::size_t inner, const Word* a, const Word* b,
           std::size_t panel_step, std::size_t b_step, Word* c, std::size_t c_step, bool add) {
    for (std::size_t j = 0; j < columns; j += kTileColumns) {
        const Word* panel = b + j / kTileColumns * panel_step;
        for (std::size_t i = 0; i < rows; i += Tile::kRows) {
            const Word* left = a + i * inner * Tile::kCopies;
            Word* target = c + i * c_step + j;
            if (i + Tile::kRows <= rows && j + kTileColumns <= columns)
                tile<Tile::kRows>(inner, left, panel, b_step, target, c_step, add);
            else
                edge_tile(inner, left, panel, b_step, target, c_step, add, smaller(Tile::kRows, rows - i),
                          smaller(kTileColumns, columns - j));
        }
    }
}

std::size_t round_up(std::size_t value, std::size_t unit) { return (value + unit - 1) / unit * unit; }

Matrix part(Matrix m, std::size_t row, std::size_t column) {
    m.data += static_cast<std::ptrdiff_t>(row) * m.row_step + static_cast<std::ptrdiff_t>(column) * m.column_step;
    return m;
}

void blocked(std::size_t rows, std::size_t columns, std::size_t inner, Matrix a, Matrix b, Word* c,
             std::size_t c_step) {
    Word* packed_a = scratch(0, kRowBlock * kInnerBlock * Tile::kCopies);
    bool direct = rows <= kDirectRows && b.column_step == 1;
    for (std::size_t j = 0; j < columns; j += kColumnBlock) {
        std::size_t width = smaller(kColumnBlock, columns - j);
        std::size_t whole = direct ? width / kTileColumns * kTileColumns : 0;  // columns that need no packing
        for (std::size_t k = 0; k < inner; k += kInnerBlock) {
            std::size_t depth = smaller(kInnerBlock, inner - k);
            Word* packed_b = scratch(1, round_up(width - whole, kTileColumns) * depth);
            pack_columns(width - whole, depth, part(b, k, j + whole), packed_b);
            for (std::size_t i = 0; i < rows; i += kRowBlock) {
                std::size_t height = smaller(kRowBlock, rows - i);
                pack_rows(height, depth, part(a, i, k), packed_a);
                Word* target = c + i * c_step + j;
                block(height, whole, depth, packed_a, part(b, k, j).data, kTileColumns,
                      static_cast<std::size_t>(b.row_step), target, c_step, k > 0);
                block(height, width - whole, depth, packed_a, packed_b, depth * kTileColumns, kTileColumns,
                      target + whole, c_step, k > 0);
            }
        }
    }
}

// One row times a matrix with contiguous rows: eight rows of b at a time, so that c is read and written less often.
void row_times(std::size_t columns, std::size_t inner, Matrix a, Matrix b, Word* c) {
    constexpr std::size_t kBatch = 8;
    for (std::size_t j = 0; j < columns; ++j) c[j] = 0;
    for (std::size_t k = 0; k < inner; k += kBatch) {
        std::size_t depth = smaller(kBatch, inner - k);
        alignas(64) Word left[kBatch * Tile::kCopies];
        for (std::size_t t = 0; t < depth; ++t)
            Tile::prepare(a.data[static_cast<std::ptrdiff_t>(k + t) * a.column_step], left + t * Tile::kCopies);
        const Word* first = b.data + static_cast<std::ptrdiff_t>(k) * b.row_step;
        std::size_t j = 0;
        for (; j + Tile::kLanes <= columns; j += Tile::kLanes) {
            typename Tile::Acc acc;
            Tile::clear(acc);
            for (std::size_t t = 0; t < depth; ++t)
                Tile::multiply_add(acc, left + t * Tile::kCopies,
                                   Tile::load(first + static_cast<std::ptrdiff_t>(t) * b.row_step + j));
            Tile::store(c + j, Tile::plus(Tile::finish(acc), Tile::load(c + j)));
        }
        for (; j < columns; ++j)
            for (std::size_t t = 0; t < depth; ++t)
                c[j] += left[t * Tile::kCopies] * first[static_cast<std::ptrdiff_t>(t) * b.row_step + j];
    }
}

// One row times a matrix with contiguous columns: dot products.
void row_dots(std::size_t columns, std::size_t inner, Matrix a, Matrix b, Word* c) {
    Word* left = scratch(0, inner);
    for (std::size_t k = 0; k < inner; ++k) left[k] = a.data[static_cast<std::ptrdiff_t>(k) * a.column_step];
    for (std::size_t j = 0; j < columns; ++j) {
        const Word* column = b.data + static_cast<std::ptrdiff_t>(j) * b.column_step;
        typename Tile::Reg sums[2] = {Tile::zero(), Tile::zero()};
        std::size_t k = 0;
        for (; k + 2 * Tile::kLanes <= inner; k += 2 * Tile::kLanes)
            for (std::size_t v = 0; v < 2; ++v) {
                std::size_t at = k + v * Tile::kLanes;
                sums[v] = Tile::plus(sums[v], Tile::times(Tile::load(left + at), Tile::load(column + at)));
            }
        alignas(64) Word lanes[Tile::kLanes];
        Tile::store(lanes, Tile::plus(sums[0], sums[1]));
        Word sum = 0;
        for (Word lane : lanes) sum += lane;
        for (; k < inner; ++k) sum += left[k] * column[k];
        c[j] = sum;
    }
}

void gemm(std::size_t rows, std::size_t columns, std::size_t inner, Matrix a, Matrix b, Word* c, std::size_t c_step) {
    if (rows == 0 || columns == 0) return;
    if (inner == 0) {
        for (std::size_t i = 0; i < rows; ++i)
            for (std::size_t j = 0; j < columns; ++j) c[i * c_step + j] = 0;
        return;
    }
    if (columns == 1 && c_step == 1) {  // a matrix times a column is that column, as a row, times the transpose
        Matrix row = {b.data, b.column_step, b.row_step};
        b = {a.data, a.column_step, a.row_step};
        a = row;
        columns = rows;
        rows = 1;
    }
    if (rows == 1 && b.column_step == 1)
        row_times(columns, inner, a, b, c);
    else if (rows <= kDotRows && b.row_step == 1)
        for (std::size_t i = 0; i < rows; ++i) row_dots(columns, inner, part(a, i, 0), b, c + i * c_step);
    else
        blocked(rows, columns, inner, a, b, c, c_step);
}
