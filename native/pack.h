// Panels of matrices, laid out in the order in which the register tile reads them. Included by each target after
// tile.h, when it has also defined `Lanes` (see planes.h), whose square transpose is used here.

Matrix part(Matrix m, std::size_t row, std::size_t column) {
    m.data += static_cast<std::ptrdiff_t>(row) * m.row_step + static_cast<std::ptrdiff_t>(column) * m.column_step;
    return m;
}

// kLanes vectors from kLanes places that are `step` words apart (the last place again where there are only `live`),
// transposed: element i of each place in one vector.
void load_transposed(const Word* from, std::ptrdiff_t step, std::size_t live, typename Lanes::Reg (&out)[Lanes::kLanes]) {
    for (std::size_t i = 0; i < Lanes::kLanes; ++i)
        out[i] = Lanes::load(from + static_cast<std::ptrdiff_t>(smaller(i, live - 1)) * step);
    Lanes::transpose(out);
}

// kRows rows of a, whose elements lie side by side. Writes up to kLanes words beyond the panel.
void pack_whole_rows(std::size_t inner, Matrix a, Word* out) {
    constexpr std::size_t kStep = Lanes::kLanes, kGroups = (Tile::kRows + kStep - 1) / kStep;
    std::size_t k = 0;
    for (; k + kStep <= inner; k += kStep) {
        typename Lanes::Reg block[kGroups][kStep];
        for (std::size_t g = 0; g < kGroups; ++g)
            load_transposed(part(a, g * kStep, k).data, a.row_step, smaller(kStep, Tile::kRows - g * kStep), block[g]);
        // The last vector of an element reaches into the place of the next one, which is written after it.
        for (std::size_t i = 0; i < kStep; ++i)
            for (std::size_t g = 0; g < kGroups; ++g)
                Lanes::store(out + (k + i) * Tile::kRows + g * kStep, block[g][i]);
    }
    for (; k < inner; ++k)
        for (std::size_t r = 0; r < Tile::kRows; ++r) out[k * Tile::kRows + r] = *part(a, r, k).data;
}

// Rows of a as panels of kRows: [panel][inner][kRows]. Rows that the tile computes and that do not exist are zero.
void pack_rows(std::size_t rows, std::size_t inner, Matrix a, Word* out) {
    for (std::size_t first = 0; first < rows; first += Tile::kRows) {
        std::size_t live = smaller(Tile::kRows, rows - first);
        Matrix panel = part(a, first, 0);
        if (Tile::kCopies == 1 && live == Tile::kRows && a.column_step == 1)
            pack_whole_rows(inner, panel, out);
        else if (live == Tile::kRows && a.row_step == 1)
            for (std::size_t k = 0; k < inner; ++k)
                for (std::size_t r = 0; r < Tile::kRows; ++r)
                    Tile::prepare(part(panel, 0, k).data[r], out + (k * Tile::kRows + r) * Tile::kCopies);
        else
            for (std::size_t r = 0; r < computed_rows(live); ++r) {
                Word* to = out + r * Tile::kCopies;
                for (std::size_t k = 0; k < inner; ++k, to += Tile::kRows * Tile::kCopies)
                    Tile::prepare(r < live ? *part(panel, r, k).data : 0, to);
            }
        out += inner * Tile::kRows * Tile::kCopies;
    }
}

void copy_row(const Word* from, Word* to) {
    for (std::size_t v = 0; v < Tile::kVectors; ++v) Tile::store(to + v * Tile::kLanes, Tile::load(from + v * Tile::kLanes));
}

// `live` columns of b from row k and column j on as a panel of kTileColumns, missing ones zero.
void pack_panel(std::size_t live, std::size_t inner, Matrix b, Word* out) {
    constexpr std::size_t kStep = Lanes::kLanes;
    std::size_t whole = b.row_step == 1 && live == kTileColumns ? inner / kStep * kStep : 0;
    for (std::size_t k = 0; k < whole; k += kStep)
        for (std::size_t v = 0; v < Tile::kVectors; ++v) {
            typename Lanes::Reg block[kStep];
            load_transposed(part(b, k, v * kStep).data, b.column_step, kStep, block);
            for (std::size_t i = 0; i < kStep; ++i)
                Lanes::store(out + (k + i) * kTileColumns + v * kStep, block[i]);
        }
    for (std::size_t j = 0; j < kTileColumns; ++j) {
        const Word* column = part(b, 0, smaller(j, live - 1)).data;
        for (std::size_t k = whole; k < inner; ++k)
            out[k * kTileColumns + j] = j < live ? column[static_cast<std::ptrdiff_t>(k) * b.row_step] : 0;
    }
}

// The columns that panel q of the result stands for. The columns of all samples are counted through, so that a panel
// may reach from one sample into the next ones.
struct Place {
    std::size_t sample, first, live;

    Place(const Result& c, std::size_t q)
        : sample(q * kTileColumns / c.columns), first(q * kTileColumns % c.columns),
          live(smaller(kTileColumns, c.samples * c.columns - q * kTileColumns)) {}
    bool whole(const Result& c) const { return live == kTileColumns && first + live <= c.columns; }
    Word* in(const Result& c) const { return c.data + sample * c.sample_step + first; }
};

// Panels q to q + count of b, rows k to k + inner, one after the other.
void pack_panels(const Matrix& b, std::size_t k, std::size_t inner, const Result& c, std::size_t q, std::size_t count,
                 Word* out) {
    // Where rows are contiguous, several panels at a time: the processor foresees longer runs, and fewer pages are open.
    constexpr std::size_t kTogether = 8;  // more would lie in the same sets of the L1 cache
    std::size_t p = 0;
    if (b.column_step == 1)
        for (; p + kTogether <= count && Place(c, q + p + kTogether - 1).live == kTileColumns; p += kTogether)
            for (std::size_t i = 0; i < inner; ++i)
                for (std::size_t t = 0; t < kTogether; ++t)
                    copy_row(part(b, k + i, (q + p + t) * kTileColumns).data, out + ((p + t) * inner + i) * kTileColumns);
    for (; p < count; ++p) {
        Place place(c, q + p);
        pack_panel(place.live, inner, part(b, k, place.first), out + p * inner * kTileColumns);
    }
}

// Missing columns hold anything: what they give is never stored. Writes up to a row beyond the panel.
void pack_panel(const Windows& b, std::size_t k, std::size_t inner, const Place& place, std::size_t columns,
                Word* out) {
    std::ptrdiff_t at[kTileColumns];
    std::size_t starts[kTileColumns], runs = 0, sample = place.sample, j = place.first;
    const bool slack = b.slack || (place.live == kTileColumns && b.run[j] >= kTileColumns);
    for (std::size_t c = 0; c < place.live; ++runs) {
        std::size_t step = slack ? smaller(b.run[j], place.live - c) : 1;
        starts[runs] = c;
        at[runs] = static_cast<std::ptrdiff_t>(sample) * b.sample_step + b.columns[j];
        c += step;
        j += step;
        if (j == columns) j = 0, ++sample;
    }
    const std::ptrdiff_t* rows = b.rows + k;
    Word* to = out;
    if (!slack)
        for (std::size_t i = 0; i < inner; ++i, to += kTileColumns)
            for (std::size_t r = 0; r < runs; ++r) to[r] = b.data[rows[i] + at[r]];
    else if (runs == 1)
        for (std::size_t i = 0; i < inner; ++i, to += kTileColumns) copy_row(b.data + rows[i] + at[0], to);
    else  // each run copies a whole row, and the next one writes over what is not its own
        for (std::size_t i = 0; i < inner; ++i, to += kTileColumns)
            for (std::size_t r = 0; r < runs; ++r) copy_row(b.data + rows[i] + at[r], to + starts[r]);
}

void pack_panels(const Windows& b, std::size_t k, std::size_t inner, const Result& c, std::size_t q, std::size_t count,
                 Word* out) {
    for (std::size_t p = 0; p < count; ++p)
        pack_panel(b, k, inner, Place(c, q + p), c.columns, out + p * inner * kTileColumns);
}
