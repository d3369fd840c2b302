/* CONV_2D ------------------------------------------------------------------------------------------ */

typedef struct {
    const int8_t *weights; /* pairs of channels, see dot_one */
    const int32_t *bias; /* of an even number of channels, as the next two */
    const int32_t *multipliers;
    const int8_t *halvings;
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t low, high;
    int32_t depth;     /* inputs of one output, rounded up to a multiple of 8 */
    int32_t pointwise; /* whether a pixel's inputs are the pixel at the same place, without a gap */
} conv_2d_t;

/* One row of the kernel over the input's row `from`, its first tap at column x. */
static int16_t *conv_2d_row(const conv_2d_t *layer, const int8_t *from, int32_t x, int16_t *column)
{
    const int32_t channels = layer->input_channels, width = layer->input_width;
    if (layer->dilation_width == 1) {
        const int32_t taps = layer->kernel_width;
        const int32_t first = x < 0 ? -x : 0;
        const int32_t last = x + taps > width ? width - x : taps;
        column = zeros(column, first * channels);
        column = widen(column, from + (x + first) * channels, (last - first) * channels,
                       -layer->input_zero_point);
        return zeros(column, (taps - last) * channels);
    }
    for (int32_t tap = 0; tap < layer->kernel_width; tap++, x += layer->dilation_width) {
        if (x < 0 || x >= width) {
            column = zeros(column, channels);
        } else {
            column = widen(column, from + x * channels, channels, -layer->input_zero_point);
        }
    }
    return column;
}

/* What output pixel `pixel` looks at, as int16 without the zero point; `layer->depth` values. */
KERNEL void conv_2d_column(const conv_2d_t *layer, const int8_t *input, int32_t pixel, int16_t *column)
{
    const int16_t *const end = column + layer->depth;
    const int32_t row = pixel / layer->output_width;
    const int32_t x = (pixel - row * layer->output_width) * layer->stride_width - layer->pad_left;
    int32_t y = row * layer->stride_height - layer->pad_top;
    const int32_t row_values = layer->input_width * layer->input_channels;
    for (int32_t tap = 0; tap < layer->kernel_height; tap++, y += layer->dilation_height) {
        if (y < 0 || y >= layer->input_height) {
            column = zeros(column, layer->kernel_width * layer->input_channels);
        } else {
            column = conv_2d_row(layer, input + y * row_values, x, column);
        }
    }
    zeros(column, (int32_t)(end - column));
}

/* All channels of one output pixel. */
KERNEL void conv_2d_one(const conv_2d_t *restrict layer, const int16_t *column, int8_t *restrict output)
{
    const int8_t *weights = layer->weights;
    const int32_t zero_point = layer->output_zero_point, low = layer->low, high = layer->high;
    for (int32_t channel = 0; channel < layer->output_channels; channel += 2) {
        const int32_t *multipliers = layer->multipliers + channel;
        const int8_t *halvings = layer->halvings + channel;
        const pair_t bias = {layer->bias[channel], layer->bias[channel + 1]};
        const pair_t sums = dot_one(weights, column, layer->depth, bias);
        *output++ = requantise(sums.first, multipliers[0], halvings[0], zero_point, low, high);
        if (channel + 1 < layer->output_channels) {
            *output++ = requantise(sums.second, multipliers[1], halvings[1], zero_point, low, high);
        }
        weights += 2 * layer->depth;
    }
}

/* All channels of two output pixels. */
KERNEL void conv_2d_two(const conv_2d_t *restrict layer, const int16_t *columns, int8_t *restrict output)
{
    const int8_t *weights = layer->weights, *halvings = layer->halvings;
    const int32_t *bias = layer->bias, *multipliers = layer->multipliers;
    const int32_t channels = layer->output_channels, depth = layer->depth;
    const int32_t zero_point = layer->output_zero_point, low = layer->low, high = layer->high;
    int8_t *other = output + channels;
    for (int32_t left = channels; left > 0; left -= 2) {
        const four_t start = {bias[0], bias[0], bias[1], bias[1]};
        const four_t sums = dot_two(weights, columns, depth, start);
        *output++ = requantise(sums.a, multipliers[0], halvings[0], zero_point, low, high);
        *other++ = requantise(sums.b, multipliers[0], halvings[0], zero_point, low, high);
        if (left == 1) {
            break;
        }
        *output++ = requantise(sums.c, multipliers[1], halvings[1], zero_point, low, high);
        *other++ = requantise(sums.d, multipliers[1], halvings[1], zero_point, low, high);
        weights += 2 * depth;
        bias += 2;
        multipliers += 2;
        halvings += 2;
    }
}

/* columns: scratch for 2 x depth values. */
KERNEL void conv_2d(const conv_2d_t *layer, const int8_t *input, int8_t *output, int16_t *columns)
{
    const int32_t pixels = layer->output_height * layer->output_width;
    int32_t pixel = 0;
    for (; pixel + 1 < pixels; pixel += 2) {
        if (layer->pointwise) {
            widen(columns, input + pixel * layer->depth, 2 * layer->depth, -layer->input_zero_point);
        } else {
            conv_2d_column(layer, input, pixel, columns);
            conv_2d_column(layer, input, pixel + 1, columns + layer->depth);
        }
        conv_2d_two(layer, columns, output + pixel * layer->output_channels);
    }
    if (pixel < pixels) {
        conv_2d_column(layer, input, pixel, columns);
        conv_2d_one(layer, columns, output + pixel * layer->output_channels);
    }
}
