/* value * multiplier / 2^31 * 2^shift, rounded twice as TFLite's reference kernels do: half up after the
 * product, half away from zero after a shift to the right. */
static inline int32_t rescale(int32_t value, int32_t multiplier, int32_t shift)
{
    if (shift > 0) {
        value = value * (1 << shift);
    }
    value = (int32_t)(((int64_t)value * multiplier + 0x40000000LL) >> 31);
    if (shift < 0) {
        value = (value + (1 << (-shift - 1)) + (value >> 31)) >> -shift;
    }
    return value;
}
