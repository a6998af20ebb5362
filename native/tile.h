// The register tile of the matrix product. Included by each target inside its own anonymous namespace, after it has
// defined `Tile`:
//   Reg, kLanes         a vector of words and how many it holds
//   Acc                 what one vector of results is summed up in
//   kRows, kVectors     the register tile: kRows x (kVectors * kLanes) results
//   kCopies             words that one element of `a` takes in a packed panel
//   load, store, zero, prepare(element, packed), multiply_add(acc, packed element, b), finish(acc)

constexpr std::size_t kTileColumns = Tile::kVectors * Tile::kLanes;
constexpr std::size_t kHalfRows = (Tile::kRows + 1) / 2, kQuarterRows = (kHalfRows + 1) / 2;

std::size_t smaller(std::size_t x, std::size_t y) { return x < y ? x : y; }

// The rows that are computed where only `live` exist.
std::size_t computed_rows(std::size_t live) {
    return live <= 1 ? 1 : live <= kQuarterRows ? kQuarterRows : live <= kHalfRows ? kHalfRows : Tile::kRows;
}

// One register tile: c[rows_here, vectors * kLanes] (+)= panel a @ panel b. A panel of a
// always has room for kRows rows; at an edge a tile may take fewer of them, and fewer vectors of b.
template <std::size_t rows_here, std::size_t vectors = Tile::kVectors>
void tile(std::size_t inner, const Word* a, const Word* b, Word* c, std::size_t c_step, bool add) {
    typename Tile::Acc acc[rows_here][vectors];
    for (auto& row : acc)
        for (auto& vector : row) Tile::clear(vector);
    for (std::size_t k = 0; k < inner; ++k) {
        typename Tile::Reg right[vectors];
        for (std::size_t v = 0; v < vectors; ++v) right[v] = Tile::load(b + v * Tile::kLanes);
        TACIT_UNROLL
        for (std::size_t r = 0; r < rows_here; ++r) {
            TACIT_UNROLL
            for (std::size_t v = 0; v < vectors; ++v)
                Tile::multiply_add(acc[r][v], a + r * Tile::kCopies, right[v]);
        }
        a += Tile::kRows * Tile::kCopies;
        b += kTileColumns;
    }
    TACIT_UNROLL
    for (std::size_t r = 0; r < rows_here; ++r) {
        TACIT_UNROLL
        for (std::size_t v = 0; v < vectors; ++v) {
            Word* target = c + r * c_step + v * Tile::kLanes;
            auto sum = Tile::finish(acc[r][v]);
            Tile::store(target, add ? Tile::plus(sum, Tile::load(target)) : sum);
        }
    }
}

// A tile that has at least `rows` rows.
template <std::size_t vectors>
void rows_tile(std::size_t rows, std::size_t inner, const Word* a, const Word* b, Word* c,
               std::size_t c_step, bool add) {
    if (rows == 1)
        tile<1, vectors>(inner, a, b, c, c_step, add);
    else if (rows <= kQuarterRows)
        tile<kQuarterRows, vectors>(inner, a, b, c, c_step, add);
    else if (rows <= kHalfRows)
        tile<kHalfRows, vectors>(inner, a, b, c, c_step, add);
    else
        tile<Tile::kRows, vectors>(inner, a, b, c, c_step, add);
}

// A tile at the edge: whole[kRows, kTileColumns] = at least as many rows and columns as there are of panel a @ panel b.
void edge_tile(std::size_t rows, std::size_t columns, std::size_t inner, const Word* a, const Word* b,
               Word* whole) {
    if (columns <= Tile::kLanes)
        rows_tile<1>(rows, inner, a, b, whole, kTileColumns, false);
    else
        rows_tile<Tile::kVectors>(rows, inner, a, b, whole, kTileColumns, false);
}
