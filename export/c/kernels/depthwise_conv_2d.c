/* DEPTHWISE_CONV_2D -------------------------------------------------------------------------------- */

typedef struct {
    const int8_t *weights; /* tap by tap, all channels */
    const int32_t *bias;
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
    int32_t multiplier; /* output channels of one input channel */
} depthwise_conv_2d_t;

/* The taps of one output pixel that lie inside the input, and where they begin. */
typedef struct {
    const int8_t *input;
    const int8_t *weights;
    int32_t rows, columns;
    int32_t input_row, input_column; /* steps in bytes */
    int32_t weights_row, weights_column;
} taps_t;

/* Of `taps` taps at first, first + step, ...: how many lie in 0 to size - 1, and how many before. */
static inline int32_t taps_inside(int32_t first, int32_t step, int32_t taps, int32_t size, int32_t *before)
{
    int32_t begin = first < 0 ? -first : 0, end = size - first;
    if (step != 1) {
        begin = (begin + step - 1) / step;
        end = (end + step - 1) / step;
    }
    *before = begin;
    return (end < taps ? end : taps) - begin;
}

static int32_t depthwise_one(const taps_t *restrict taps, int32_t sum, int32_t zero_point, int32_t from,
                             int32_t to)
{
    const int8_t *row = taps->input + from, *row_weights = taps->weights + to;
    for (int32_t y = taps->rows; y > 0; y--) {
        const int8_t *input = row, *weights = row_weights;
        for (int32_t x = taps->columns; x > 0; x--) {
            sum += (*input - zero_point) * *weights;
            input += taps->input_column;
            weights += taps->weights_column;
        }
        row += taps->input_row;
        row_weights += taps->weights_row;
    }
    return sum;
}

#if defined(__ARM_FEATURE_DSP)
/* As many channels as there are groups of four; returns their number. */
KERNEL int32_t depthwise_fours(const depthwise_conv_2d_t *restrict layer, const taps_t *restrict taps,
                               int8_t *restrict output)
{
    const int32_t offsets = both_halves(-layer->input_zero_point);
    const int32_t input_step = taps->input_column, weights_step = taps->weights_column;
    const int32_t zero_point = layer->output_zero_point, low = layer->low, high = layer->high;
    const int32_t *bias = layer->bias, *multipliers = layer->multipliers;
    const int8_t *halvings = layer->halvings;
    const int32_t channels = layer->output_channels & ~3;
    for (int32_t channel = 0; channel < channels; channel += 4) {
        const int8_t *row = taps->input + channel, *row_weights = taps->weights + channel;
        int32_t a = bias[0], b = bias[1], c = bias[2], d = bias[3];
        int32_t rows = taps->rows;
        do {
            const int8_t *input = row, *weights = row_weights;
            int32_t columns = taps->columns;
            do {
                const int32_t word = load_anywhere(input), factors = load_anywhere(weights);
                const int32_t even = add_even_bytes(offsets, word), even_factors = even_bytes(factors);
                const int32_t odd = add_odd_bytes(offsets, word), odd_factors = odd_bytes(factors);
                a = __smlabb(even, even_factors, a);
                b = __smlabb(odd, odd_factors, b);
                c = __smlatt(even, even_factors, c);
                d = __smlatt(odd, odd_factors, d);
                input += input_step;
                weights += weights_step;
            } while (--columns > 0);
            row += taps->input_row;
            row_weights += taps->weights_row;
        } while (--rows > 0);
        output[0] = requantise(a, multipliers[0], halvings[0], zero_point, low, high);
        output[1] = requantise(b, multipliers[1], halvings[1], zero_point, low, high);
        output[2] = requantise(c, multipliers[2], halvings[2], zero_point, low, high);
        output[3] = requantise(d, multipliers[3], halvings[3], zero_point, low, high);
        bias += 4;
        multipliers += 4;
        halvings += 4;
        output += 4;
    }
    return channels;
}
#endif

KERNEL void depthwise_pixel(const depthwise_conv_2d_t *restrict layer, const taps_t *restrict taps,
                            int8_t *restrict output)
{
    int32_t channel = 0;
#if defined(__ARM_FEATURE_DSP)
    if (layer->multiplier == 1 && taps->rows > 0 && taps->columns > 0) {
        channel = depthwise_fours(layer, taps, output);
    }
#endif
    int32_t from = channel, turn = 0;
    for (; channel < layer->output_channels; channel++) {
        const int32_t sum =
            depthwise_one(taps, layer->bias[channel], layer->input_zero_point, from, channel);
        output[channel] = requantise(sum, layer->multipliers[channel], layer->halvings[channel],
                                     layer->output_zero_point, layer->low, layer->high);
        turn++;
        if (turn == layer->multiplier) {
            turn = 0;
            from++;
        }
    }
}

KERNEL void depthwise_conv_2d(const depthwise_conv_2d_t *restrict layer, const int8_t *input,
                              int8_t *restrict output)
{
    const int32_t row_values = layer->input_width * layer->input_channels;
    taps_t taps;
    taps.input_column = layer->dilation_width * layer->input_channels;
    taps.input_row = layer->dilation_height * row_values;
    taps.weights_column = layer->output_channels;
    taps.weights_row = layer->kernel_width * layer->output_channels;
    for (int32_t y = 0; y < layer->output_height; y++) {
        const int32_t top = y * layer->stride_height - layer->pad_top;
        int32_t above, before;
        taps.rows =
            taps_inside(top, layer->dilation_height, layer->kernel_height, layer->input_height, &above);
        for (int32_t x = 0; x < layer->output_width; x++) {
            const int32_t left = x * layer->stride_width - layer->pad_left;
            taps.columns =
                taps_inside(left, layer->dilation_width, layer->kernel_width, layer->input_width, &before);
            taps.input = input + (top + above * layer->dilation_height) * row_values +
                         (left + before * layer->dilation_width) * layer->input_channels;
            taps.weights = layer->weights + above * taps.weights_row + before * taps.weights_column;
            depthwise_pixel(layer, &taps, output);
            output += layer->output_channels;
        }
    }
}
