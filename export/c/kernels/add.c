/* ADD and SUB -------------------------------------------------------------------------------------- */

/* A term is multiplied by 2^20, brought to a common scale, and negated by a negative multiplier. */
typedef struct {
    int32_t values; /* it is repeated after so many */
    int32_t zero_point, multiplier, shift;
} term_t;

typedef struct {
    term_t first, second;
    int32_t values;
    int32_t zero_point, multiplier, shift;
    int32_t low, high;
    int32_t sign; /* of the second term: -1 for SUB */
} add_t;

KERNEL void add(const add_t *restrict layer, const int8_t *first, const int8_t *second,
                int8_t *restrict output)
{
    int32_t i = 0, j = 0;
    for (int32_t k = 0; k < layer->values; k++) {
        const int32_t a = rescale((first[i] - layer->first.zero_point) * (1 << 20),
                                  layer->first.multiplier, layer->first.shift);
        const int32_t b = rescale((second[j] - layer->second.zero_point) * (1 << 20),
                                  layer->second.multiplier, layer->second.shift);
        const int32_t sum = rescale(a + layer->sign * b, layer->multiplier, layer->shift);
        output[k] = (int8_t)clamp(sum + layer->zero_point, layer->low, layer->high);
        i = i + 1 == layer->first.values ? 0 : i + 1;
        j = j + 1 == layer->second.values ? 0 : j + 1;
    }
}
