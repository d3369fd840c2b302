/* CONV_2D ------------------------------------------------------------------------------------------ */

typedef struct {
    const int8_t *weights; /* pairs of channels, see dot_one */
    const int32_t *bias;
    const int32_t *multipliers;
    const int8_t *shifts;
    int32_t input_height, input_width, input_channels;
    int32_t output_height, output_width, output_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t input_zero_point, output_zero_point;
    int32_t low, high;
    int32_t depth; /* inputs of one output, rounded up to a multiple of 4 */
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

static inline int8_t conv_2d_output(const conv_2d_t *layer, int32_t sum, int32_t channel)
{
    return requantise(sum, layer->multipliers[channel], layer->shifts[channel], layer->output_zero_point,
                      layer->low, layer->high);
}

/* All channels of one output pixel. */
KERNEL void conv_2d_one(const conv_2d_t *layer, const int16_t *column, int8_t *output)
{
    const int8_t *weights = layer->weights;
    const int32_t channels = layer->output_channels;
    for (int32_t channel = 0; channel < channels; channel += 2, weights += 2 * layer->depth) {
        const int32_t two = channel + 1 < channels;
        const pair_t bias = {layer->bias[channel], two ? layer->bias[channel + 1] : 0};
        const pair_t sums = dot_one(weights, column, layer->depth, bias);
        *output++ = conv_2d_output(layer, sums.first, channel);
        if (two) {
            *output++ = conv_2d_output(layer, sums.second, channel + 1);
        }
    }
}

/* All channels of two output pixels: a weight, once unpacked, is used twice. */
KERNEL void conv_2d_two(const conv_2d_t *layer, const int16_t *columns, int8_t *output)
{
    const int8_t *weights = layer->weights;
    const int32_t channels = layer->output_channels;
    for (int32_t channel = 0; channel < channels; channel += 2) {
        const int32_t two = channel + 1 < channels;
        const int16_t *column = columns, *other = columns + layer->depth;
        const int8_t *const end = weights + 2 * layer->depth;
        int32_t a = layer->bias[channel], b = a, c = two ? layer->bias[channel + 1] : 0, d = c;
        do {
#if defined(__ARM_FEATURE_DSP)
            const int32_t low = load_word(column), high = load_word(column + 2);
            const int32_t other_low = load_word(other), other_high = load_word(other + 2);
            int32_t word = load_word(weights), pair = even_bytes(word);
            a = __smlad(pair, low, a);
            b = __smlad(pair, other_low, b);
            pair = odd_bytes(word);
            a = __smlad(pair, high, a);
            b = __smlad(pair, other_high, b);
            word = load_word(weights + 4);
            pair = even_bytes(word);
            c = __smlad(pair, low, c);
            d = __smlad(pair, other_low, d);
            pair = odd_bytes(word);
            c = __smlad(pair, high, c);
            d = __smlad(pair, other_high, d);
#else
            for (int32_t i = 0; i < 4; i++) {
                const int32_t place = i == 1 ? 2 : i == 2 ? 1 : i;
                a += weights[place] * column[i];
                b += weights[place] * other[i];
                c += weights[4 + place] * column[i];
                d += weights[4 + place] * other[i];
            }
#endif
            weights += 8;
            column += 4;
            other += 4;
        } while (weights != end);
        output[channel] = conv_2d_output(layer, a, channel);
        output[channel + channels] = conv_2d_output(layer, b, channel);
        if (two) {
            output[channel + 1] = conv_2d_output(layer, c, channel + 1);
            output[channel + 1 + channels] = conv_2d_output(layer, d, channel + 1);
        }
    }
}

/* columns: scratch for 2 x depth values. */
KERNEL void conv_2d(const conv_2d_t *layer, const int8_t *input, int8_t *output, int16_t *columns)
{
    const int32_t pixels = layer->output_height * layer->output_width;
    int32_t pixel = 0;
    for (; pixel + 1 < pixels; pixel += 2) {
        conv_2d_column(layer, input, pixel, columns);
        conv_2d_column(layer, input, pixel + 1, columns + layer->depth);
        conv_2d_two(layer, columns, output + pixel * layer->output_channels);
    }
    if (pixel < pixels) {
        conv_2d_column(layer, input, pixel, columns);
        conv_2d_one(layer, columns, output + pixel * layer->output_channels);
    }
}
