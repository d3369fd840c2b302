
KERNEL void average_pool_2d(const pool_2d_t *restrict layer, const int8_t *input, int8_t *restrict output)
{
    const int32_t channels = layer->channels;
    for (int32_t row = 0; row < layer->output_height; row++) {
        for (int32_t column = 0; column < layer->output_width; column++) {
            const field_t field = pool_2d_field(layer, row, column);
            const int32_t count = (field.bottom - field.top) * (field.right - field.left);
            for (int32_t channel = 0; channel < channels; channel++) {
                int32_t sum = 0;
                for (int32_t y = field.top; y < field.bottom; y++) {
                    const int8_t *from = input + (y * layer->input_width + field.left) * channels + channel;
                    for (int32_t x = field.right - field.left; x > 0; x--) {
                        sum += *from;
                        from += channels;
                    }
                }
                const int32_t half = sum > 0 ? count / 2 : -(count / 2);
                *output++ = (int8_t)clamp((sum + half) / count, layer->low, layer->high);
            }
        }
    }
}
