
KERNEL void max_pool_2d(const pool_2d_t *layer, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < layer->output_height; row++) {
        for (int32_t column = 0; column < layer->output_width; column++) {
            const field_t field = pool_2d_field(layer, row, column);
            for (int32_t channel = 0; channel < layer->channels; channel++) {
                int32_t largest = -128;
                for (int32_t y = field.top; y < field.bottom; y++) {
                    for (int32_t x = field.left; x < field.right; x++) {
                        const int32_t value =
                            input[(y * layer->input_width + x) * layer->channels + channel];
                        largest = value > largest ? value : largest;
                    }
                }
                *output++ = (int8_t)clamp(largest, layer->low, layer->high);
            }
        }
    }
}
