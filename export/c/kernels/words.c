/* Words of four int8 or two int16 ------------------------------------------------------------------ */

#if defined(__ARM_FEATURE_DSP)
/* Not an instruction: keeps the compiler from loading ahead until no register is left. */
#define IN_ORDER(a, b, c, d, pointer) \
    __asm("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(pointer))

/* At a multiple of 4. */
static inline int32_t load_word(const void *from)
{
    int32_t word;
    memcpy(&word, __builtin_assume_aligned(from, 4), sizeof word);
    return word;
}

/* At any address, in one instruction that the compiler cannot join with the next: LDRD and STRD, unlike
 * LDR and STR, need multiples of 4. */
static inline int32_t load_anywhere(const int8_t *from)
{
    int32_t word;
    __asm("ldr %0, %1" : "=r"(word) : "m"(*(const int8_t(*)[4])from));
    return word;
}

static inline void store_anywhere(int16_t *to, int32_t word)
{
    __asm("str %1, %0" : "=m"(*(int16_t(*)[2])to) : "r"(word));
}

/* Bytes 0 and 2 of a word, or 1 and 3, as two int16, alone or added to two int16; the compiler's own
 * functions would rotate by an instruction more. */
static inline int32_t even_bytes(int32_t word)
{
    return __sxtb16(word);
}

static inline int32_t odd_bytes(int32_t word)
{
    int32_t halves;
    __asm("sxtb16 %0, %1, ror #8" : "=r"(halves) : "r"(word));
    return halves;
}

static inline int32_t add_even_bytes(int32_t halves, int32_t word)
{
    return __sxtab16(halves, word);
}

static inline int32_t add_odd_bytes(int32_t halves, int32_t word)
{
    int32_t sums;
    __asm("sxtab16 %0, %1, %2, ror #8" : "=r"(sums) : "r"(halves), "r"(word));
    return sums;
}

/* The lower halves of two words as one word, and the upper ones. */
static inline int32_t join_low(int32_t low, int32_t high)
{
    int32_t word;
    __asm("pkhbt %0, %1, %2, lsl #16" : "=r"(word) : "r"(low), "r"(high));
    return word;
}

static inline int32_t join_high(int32_t low, int32_t high)
{
    int32_t word;
    __asm("pkhtb %0, %1, %2, asr #16" : "=r"(word) : "r"(high), "r"(low));
    return word;
}

static inline int32_t both_halves(int32_t value)
{
    return (int32_t)(((uint32_t)value & 0xffffu) * 0x10001u);
}
#else
#define IN_ORDER(a, b, c, d, pointer) ((void)0)
#endif
