/* Numbers ------------------------------------------------------------------------------------------ */

static inline int32_t clamp(int32_t value, int32_t low, int32_t high)
{
    value = value < low ? low : value;
    return value > high ? high : value;
}
