/* AVERAGE_POOL_2D and MAX_POOL_2D ------------------------------------------------------------------ */

typedef struct {
    int32_t input_height, input_width, channels;
    int32_t output_height, output_width;
    int32_t filter_height, filter_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left;
    int32_t low, high;
} pool_2d_t;

typedef struct {
    int32_t top, bottom, left, right; /* of the input; bottom and right are one behind the last */
} field_t;

static field_t pool_2d_field(const pool_2d_t *layer, int32_t row, int32_t column)
{
    const int32_t y = row * layer->stride_height - layer->pad_top;
    const int32_t x = column * layer->stride_width - layer->pad_left;
    const field_t field = {clamp(y, 0, layer->input_height),
                           clamp(y + layer->filter_height, 0, layer->input_height),
                           clamp(x, 0, layer->input_width),
                           clamp(x + layer->filter_width, 0, layer->input_width)};
    return field;
}
