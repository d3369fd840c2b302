/* What a sum of products is stored as: value * multiplier / 2^31 / 2^(halvings + 1) + zero point, rounded
 * twice, between low and high. This network needs all of it somewhere: a shift to the left (halvings below
 * -1), narrower limits, or a bias beyond 2^30. */
static inline int8_t requantise(int32_t value, int32_t multiplier, int32_t halvings, int32_t zero_point,
                                int32_t low, int32_t high)
{
    return (int8_t)clamp(rescale(value, multiplier, -halvings - 1) + zero_point, low, high);
}
