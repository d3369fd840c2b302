/* DEPTHWISE_CONV_2D -------------------------------------------------------------------------------- */

typedef struct {
    const int8_t *weights; /* tap by tap, all channels */
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

/* Of `taps` taps at first, first + step, ...: those inside 0 to size - 1, as number and first of them. */
static int32_t taps_inside(int32_t first, int32_t step, int32_t taps, int32_t size, int32_t *skipped)
{
    int32_t begin = 0, end = taps;
    while (begin < taps && first + begin * step < 0) {
        begin++;
    }
    while (end > begin && first + (end - 1) * step >= size) {
        end--;
    }
    *skipped = begin;
    return end - begin;
}

static inline int8_t depthwise_output(const depthwise_conv_2d_t *layer, int32_t sum, int32_t channel)
{
    return requantise(sum, layer->multipliers[channel], layer->shifts[channel], layer->output_zero_point,
                      layer->low, layer->high);
}

static int32_t depthwise_one(const taps_t *taps, int32_t sum, int32_t zero_point, int32_t from, int32_t to)
{
    const int8_t *row = taps->input + from, *row_weights = taps->weights + to;
    for (int32_t y = 0; y < taps->rows; y++) {
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
/* Four channels at once, from `channel` on. */
static inline void depthwise_four(const depthwise_conv_2d_t *layer, const taps_t *taps, int32_t channel,
                                  int8_t *output)
{
    const int32_t offsets = both_halves(-layer->input_zero_point);
    const int8_t *row = taps->input + channel, *row_weights = taps->weights + channel;
    const int32_t input_step = taps->input_column, weights_step = taps->weights_column;
    const int32_t *bias = layer->bias + channel;
    int32_t a = bias[0], b = bias[1], c = bias[2], d = bias[3];
    for (int32_t y = taps->rows; y > 0; y--) {
        const int8_t *input = row, *weights = row_weights;
        for (int32_t x = taps->columns; x > 0; x--) {
            const int32_t word = load_anywhere(input), factors = load_anywhere(weights);
            const int32_t even = add_even_bytes(offsets, word), even_factors = even_bytes(factors);
            const int32_t odd = add_odd_bytes(offsets, word), odd_factors = odd_bytes(factors);
            a = __smlabb(even, even_factors, a);
            b = __smlabb(odd, odd_factors, b);
            c = __smlatt(even, even_factors, c);
            d = __smlatt(odd, odd_factors, d);
            input += input_step;
            weights += weights_step;
        }
        row += taps->input_row;
        row_weights += taps->weights_row;
    }
    output[channel] = depthwise_output(layer, a, channel);
    output[channel + 1] = depthwise_output(layer, b, channel + 1);
    output[channel + 2] = depthwise_output(layer, c, channel + 2);
    output[channel + 3] = depthwise_output(layer, d, channel + 3);
}
#endif

static void depthwise_pixel(const depthwise_conv_2d_t *layer, const taps_t *taps, int8_t *output)
{
    const int32_t channels = layer->output_channels;
    int32_t channel = 0;
#if defined(__ARM_FEATURE_DSP)
    if (layer->multiplier == 1) {
        for (; channel + 4 <= channels; channel += 4) {
            depthwise_four(layer, taps, channel, output);
        }
    }
#endif
    int32_t from = channel, turn = 0;
    for (; channel < channels; channel++) {
        const int32_t sum =
            depthwise_one(taps, layer->bias[channel], layer->input_zero_point, from, channel);
        output[channel] = depthwise_output(layer, sum, channel);
        turn++;
        if (turn == layer->multiplier) {
            turn = 0;
            from++;
        }
    }
}

KERNEL void depthwise_conv_2d(const depthwise_conv_2d_t *layer, const int8_t *input, int8_t *output)
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
