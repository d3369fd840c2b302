/* value * multiplier / 2^31 * 2^shift, rounded twice as TFLite's reference kernels do: half up after
 * the product, half away from zero after the shift. Holds for |value| * 2^max(shift, 0) < 2^30. */
static inline int32_t rescale(int32_t value, int32_t multiplier, int32_t shift)
{
    if (shift > 0) {
        value = value * (1 << shift);
        shift = 0;
    }
    /* On a core with DSP instructions this line is one SMMULR. */
    value = (int32_t)(((int64_t)(value * 2) * multiplier + 0x80000000LL) >> 32);
    if (shift < 0) {
        value = (value + (1 << (-shift - 1)) + (value >> 31)) >> -shift;
    }
    return value;
}
