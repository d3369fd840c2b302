/* MUL ---------------------------------------------------------------------------------------------- */

typedef struct {
    int32_t first_values, second_values; /* each is repeated after so many */
    int32_t first_zero_point, second_zero_point;
    int32_t values;
    int32_t zero_point, multiplier, shift;
    int32_t low, high;
} mul_t;

KERNEL void mul(const mul_t *layer, const int8_t *first, const int8_t *second, int8_t *output)
{
    int32_t i = 0, j = 0;
    for (int32_t k = 0; k < layer->values; k++) {
        const int32_t product =
            (first[i] - layer->first_zero_point) * (second[j] - layer->second_zero_point);
        const int32_t scaled = rescale(product, layer->multiplier, layer->shift);
        output[k] = (int8_t)clamp(scaled + layer->zero_point, layer->low, layer->high);
        i = i + 1 == layer->first_values ? 0 : i + 1;
        j = j + 1 == layer->second_values ? 0 : j + 1;
    }
}
