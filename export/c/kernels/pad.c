/* PAD ---------------------------------------------------------------------------------------------- */

typedef struct {
    int32_t input[4], before[4], after[4];
    int8_t value;
} pad_t;

static int8_t *pad_values(int8_t *to, int32_t count, int8_t value)
{
    for (; count > 0; count--) {
        *to++ = value;
    }
    return to;
}

KERNEL void pad(const pad_t *layer, const int8_t *input, int8_t *output)
{
    int32_t block[4]; /* values of one step along each dimension of the output */
    block[3] = 1;
    for (int32_t i = 3; i > 0; i--) {
        block[i - 1] = block[i] * (layer->before[i] + layer->input[i] + layer->after[i]);
    }
    output = pad_values(output, layer->before[0] * block[0], layer->value);
    for (int32_t n = 0; n < layer->input[0]; n++) {
        output = pad_values(output, layer->before[1] * block[1], layer->value);
        for (int32_t y = 0; y < layer->input[1]; y++) {
            output = pad_values(output, layer->before[2] * block[2], layer->value);
            for (int32_t x = 0; x < layer->input[2]; x++) {
                output = pad_values(output, layer->before[3], layer->value);
                memcpy(output, input, (size_t)layer->input[3]);
                input += layer->input[3];
                output = pad_values(output + layer->input[3], layer->after[3], layer->value);
            }
            output = pad_values(output, layer->after[2] * block[2], layer->value);
        }
        output = pad_values(output, layer->after[1] * block[1], layer->value);
    }
    pad_values(output, layer->after[0] * block[0], layer->value);
}
