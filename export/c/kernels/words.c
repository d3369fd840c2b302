/* Words of four int8 or two int16 ------------------------------------------------------------------ */

#if defined(__ARM_FEATURE_DSP)
static inline int32_t load_word(const void *from)
{
    int32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* Bytes 1 and 3, or 0 and 2, of a word as two int16: one instruction, the rotation included. */
static inline int32_t odd_bytes(int32_t word)
{
    int32_t halves;
    __asm("sxtb16 %0, %1, ror #8" : "=r"(halves) : "r"(word));
    return halves;
}

static inline int32_t even_bytes(int32_t word)
{
    return __sxtb16(word);
}

static inline int32_t add_odd_bytes(int32_t halves, int32_t word)
{
    __asm("sxtab16 %0, %0, %1, ror #8" : "+r"(halves) : "r"(word));
    return halves;
}

static inline int32_t add_even_bytes(int32_t halves, int32_t word)
{
    return __sxtab16(halves, word);
}

static inline void store_word(void *to, int32_t word)
{
    memcpy(to, &word, sizeof word);
}
#endif
