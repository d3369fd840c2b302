/* QUANTIZE ----------------------------------------------------------------------------------------- */

typedef struct {
    int32_t values;
    int32_t input_zero_point, output_zero_point;
    int32_t multiplier, shift;
} quantize_t;

KERNEL void quantize(const quantize_t *layer, const int8_t *input, int8_t *output)
{
    for (int32_t i = 0; i < layer->values; i++) {
        const int32_t value =
            rescale(input[i] - layer->input_zero_point, layer->multiplier, layer->shift);
        output[i] = (int8_t)clamp(value + layer->output_zero_point, -128, 127);
    }
}
