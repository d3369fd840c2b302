/* MEAN --------------------------------------------------------------------------------------------- */

typedef struct {
    int32_t outer, count, inner; /* the mean is taken over the middle one of three dimensions */
    int32_t input_zero_point, output_zero_point;
    int32_t multiplier, shift;
} mean_t;

KERNEL void mean(const mean_t *layer, const int8_t *input, int8_t *output)
{
    for (int32_t block = 0; block < layer->outer; block++, input += layer->count * layer->inner) {
        for (int32_t i = 0; i < layer->inner; i++) {
            int32_t sum = -layer->count * layer->input_zero_point;
            for (int32_t j = 0; j < layer->count; j++) {
                sum += input[j * layer->inner + i];
            }
            sum = rescale(sum, layer->multiplier, layer->shift) + layer->output_zero_point;
            *output++ = (int8_t)clamp(sum, -128, 127);
        }
    }
}
