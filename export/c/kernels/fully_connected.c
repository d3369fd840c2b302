/* FULLY_CONNECTED ---------------------------------------------------------------------------------- */

typedef struct {
    const int8_t *weights; /* pairs of channels, see dot_one */
    const int32_t *bias;
    const int32_t *multipliers;
    const int8_t *shifts;
    int32_t rows, inputs, outputs;
    int32_t input_zero_point, output_zero_point;
    int32_t low, high;
    int32_t depth; /* inputs rounded up to a multiple of 4 */
} fully_connected_t;

/* Rounded once, as LiteRT's reference kernel does here and only here. */
static inline int8_t fully_connected_output(const fully_connected_t *layer, int32_t sum, int32_t channel)
{
    const int32_t shift = 31 - layer->shifts[channel];
    const int64_t product = (int64_t)sum * layer->multipliers[channel] + ((int64_t)1 << (shift - 1));
    return (int8_t)clamp((int32_t)(product >> shift) + layer->output_zero_point, layer->low, layer->high);
}

/* column: scratch for depth values. */
KERNEL void fully_connected(const fully_connected_t *restrict layer, const int8_t *input,
                            int8_t *restrict output, int16_t *column)
{
    for (int32_t row = 0; row < layer->rows; row++, input += layer->inputs) {
        int16_t *const end = widen(column, input, layer->inputs, -layer->input_zero_point);
        zeros(end, layer->depth - layer->inputs);
        const int8_t *weights = layer->weights;
        for (int32_t channel = 0; channel < layer->outputs; channel += 2, weights += 2 * layer->depth) {
            const int32_t two = channel + 1 < layer->outputs;
            const pair_t bias = {layer->bias[channel], two ? layer->bias[channel + 1] : 0};
            const pair_t sums = dot_one(weights, column, layer->depth, bias);
            *output++ = fully_connected_output(layer, sums.first, channel);
            if (two) {
                *output++ = fully_connected_output(layer, sums.second, channel + 1);
            }
        }
    }
}
