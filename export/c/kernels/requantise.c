static inline int8_t requantise(int32_t value, int32_t multiplier, int32_t shift, int32_t zero_point,
                                int32_t low, int32_t high)
{
    return (int8_t)clamp(rescale(value, multiplier, shift) + zero_point, low, high);
}
