// Convolutions with one output channel to a group, such as depthwise ones: every window is read where it lies. Included
// by each target after pack.h.

// `count` columns, all in one run, of the sum of all terms; left holds the elements of a, prepared, term after term.
template <std::size_t vectors>
void slide_run(const Term<Windows>* terms, std::size_t count, const Word* left, std::size_t sample, std::size_t j,
               std::size_t live, Word* c) {
    typename Tile::Acc acc[vectors];
    for (auto& vector : acc) Tile::clear(vector);
    for (const Term<Windows>* term = terms; term != terms + count; ++term) {
        const Word* from = term->b.data + static_cast<std::ptrdiff_t>(sample) * term->b.sample_step + term->b.columns[j];
        for (std::size_t k = 0; k < term->inner; ++k, left += Tile::kCopies) {
            TACIT_UNROLL
            for (std::size_t v = 0; v < vectors; ++v)
                Tile::multiply_add(acc[v], left, Tile::load(from + term->b.rows[k] + v * Tile::kLanes));
        }
    }
    if (live == vectors * Tile::kLanes) {
        for (std::size_t v = 0; v < vectors; ++v) Tile::store(c + v * Tile::kLanes, Tile::finish(acc[v]));
        return;
    }
    alignas(64) Word whole[vectors * Tile::kLanes];
    for (std::size_t v = 0; v < vectors; ++v) Tile::store(whole + v * Tile::kLanes, Tile::finish(acc[v]));
    for (std::size_t t = 0; t < live; ++t) c[t] = whole[t];
}

// c[1, columns] of each sample; the windows must have slack.
void slide_row(const Term<Windows>* terms, std::size_t count, const Result& c) {
    std::size_t inner = 0;
    for (std::size_t t = 0; t < count; ++t) inner += terms[t].inner;
    Word *left = scratch(0, inner * Tile::kCopies), *to = left;
    for (std::size_t t = 0; t < count; ++t)
        for (std::size_t k = 0; k < terms[t].inner; ++k, to += Tile::kCopies)
            Tile::prepare(*part(terms[t].a, 0, k).data, to);
    for (std::size_t s = 0; s < c.samples; ++s)
        for (std::size_t j = 0, step; j < c.columns; j += step) {
            Word* target = c.data + s * c.sample_step + j;
            step = kTileColumns;
            for (std::size_t t = 0; t < count; ++t) step = smaller(step, terms[t].b.run[j]);
            if (step > Tile::kLanes)
                slide_run<Tile::kVectors>(terms, count, left, s, j, step, target);
            else
                slide_run<1>(terms, count, left, s, j, step, target);
        }
}
