/* count int8 values, each with offset added, as int16; returns the end of what was written. */
KERNEL int16_t *widen(int16_t *to, const int8_t *from, int32_t count, int32_t offset)
{
#if defined(__ARM_FEATURE_DSP)
    const int32_t offsets = both_halves(offset);
    for (; count >= 4; count -= 4) {
        const int32_t word = load_anywhere(from);
        const int32_t even = add_even_bytes(offsets, word), odd = add_odd_bytes(offsets, word);
        store_anywhere(to, join_low(even, odd));
        store_anywhere(to + 2, join_high(even, odd));
        from += 4;
        to += 4;
    }
#endif
    for (; count > 0; count--) {
        *to++ = (int16_t)(*from++ + offset);
    }
    return to;
}

static int16_t *zeros(int16_t *to, int32_t count)
{
    for (; count > 0; count--) {
        *to++ = 0;
    }
    return to;
}

/* Four weights of a channel lie in the order 0 2 1 3, so that the even bytes of a word are weights 0 and
 * 1; those of two channels take turns. */
typedef struct {
    int32_t first, second;
} pair_t;

/* The dot products of a column of int16 with two channels' weights; depth is a multiple of 8. */
static inline pair_t dot_one(const int8_t *weights, const int16_t *column, int32_t depth, pair_t sums)
{
    for (const int16_t *end = column + depth; column != end; column += 4) {
#if defined(__ARM_FEATURE_DSP)
        const int32_t low = load_word(column), high = load_word(column + 2);
        int32_t word = load_word(weights);
        sums.first = __smlad(even_bytes(word), low, sums.first);
        sums.first = __smlad(odd_bytes(word), high, sums.first);
        word = load_word(weights + 4);
        sums.second = __smlad(even_bytes(word), low, sums.second);
        sums.second = __smlad(odd_bytes(word), high, sums.second);
#else
        const int32_t a = column[0], b = column[1], c = column[2], d = column[3];
        sums.first += weights[0] * a + weights[2] * b + weights[1] * c + weights[3] * d;
        sums.second += weights[4] * a + weights[6] * b + weights[5] * c + weights[7] * d;
#endif
        weights += 8;
    }
    return sums;
}

typedef struct {
    int32_t a, b, c, d; /* the first channel with both columns, the second channel with both */
} four_t;

/* Four inputs of `dot_two`. */
static inline four_t dot_two_step(const int8_t *weights, const int16_t *column, const int16_t *other,
                                  four_t sums)
{
#if defined(__ARM_FEATURE_DSP)
    const int32_t low = load_word(column), high = load_word(column + 2);
    const int32_t other_low = load_word(other), other_high = load_word(other + 2);
    int32_t word = load_word(weights), pair = even_bytes(word);
    sums.a = __smlad(pair, low, sums.a);
    sums.b = __smlad(pair, other_low, sums.b);
    pair = odd_bytes(word);
    sums.a = __smlad(pair, high, sums.a);
    sums.b = __smlad(pair, other_high, sums.b);
    word = load_word(weights + 4);
    pair = even_bytes(word);
    sums.c = __smlad(pair, low, sums.c);
    sums.d = __smlad(pair, other_low, sums.d);
    pair = odd_bytes(word);
    sums.c = __smlad(pair, high, sums.c);
    sums.d = __smlad(pair, other_high, sums.d);
#else
    for (int32_t i = 0; i < 4; i++) {
        const int32_t place = i == 1 ? 2 : i == 2 ? 1 : i;
        sums.a += weights[place] * column[i];
        sums.b += weights[place] * other[i];
        sums.c += weights[4 + place] * column[i];
        sums.d += weights[4 + place] * other[i];
    }
#endif
    return sums;
}

/* The dot products of two columns, one behind the other, with two channels' weights: what is loaded is
 * used twice. */
static inline four_t dot_two(const int8_t *weights, const int16_t *columns, int32_t depth, four_t sums)
{
    const int16_t *column = columns, *other = columns + depth;
    for (const int16_t *end = columns + depth; column != end; column += 8, other += 8) {
        sums = dot_two_step(weights, column, other, sums);
        IN_ORDER(sums.a, sums.b, sums.c, sums.d, weights);
        sums = dot_two_step(weights + 8, column + 4, other + 4, sums);
        weights += 16;
    }
    return sums;
}
