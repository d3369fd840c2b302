/* What a sum of products is stored as: value * multiplier / 2^31 / 2^(halvings + 1) + zero point, rounded
 * twice as `rescale` does, within 8 bits. The generator has seen to it that 2 * value cannot overflow, that
 * all halvings are 0 or more, and that no activation asks for narrower limits: so it takes seven
 * instructions on a core with DSP instructions. */
static inline int8_t requantise(int32_t value, int32_t multiplier, int32_t halvings, int32_t zero_point,
                                int32_t low, int32_t high)
{
    const int32_t rounding = 2 * zero_point + 1;
    (void)low;
    (void)high;
#if defined(__ARM_FEATURE_DSP)
    __asm("smmulr %0, %1, %2" : "=r"(value) : "r"(value * 2), "r"(multiplier));
    value = ((value + (value >> 31)) >> halvings) + rounding;
    __asm("ssat %0, #8, %1, asr #1" : "=r"(value) : "r"(value));
    return (int8_t)value;
#else
    value = (int32_t)(((int64_t)value * multiplier + 0x40000000LL) >> 31);
    value = (((value + (value >> 31)) >> halvings) + rounding) >> 1;
    return (int8_t)clamp(value, -128, 127);
#endif
}
