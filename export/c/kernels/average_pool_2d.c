
KERNEL void average_pool_2d(const pool_2d_t *layer, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < layer->output_height; row++) {
        for (int32_t column = 0; column < layer->output_width; column++) {
            const field_t field = pool_2d_field(layer, row, column);
            const int32_t count = (field.bottom - field.top) * (field.right - field.left);
            for (int32_t channel = 0; channel < layer->channels; channel++) {
                int32_t sum = 0;
                for (int32_t y = field.top; y < field.bottom; y++) {
                    for (int32_t x = field.left; x < field.right; x++) {
                        sum += input[(y * layer->input_width + x) * layer->channels + channel];
                    }
                }
                const int32_t half = sum > 0 ? count / 2 : -(count / 2);
                *output++ = (int8_t)clamp((sum + half) / count, layer->low, layer->high);
            }
        }
    }
}
