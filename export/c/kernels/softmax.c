/* SOFTMAX ------------------------------------------------------------------------------------------ */

typedef struct {
    const uint32_t *powers; /* of e, for 0 to 255 steps below the largest; so small that no sum overflows */
    int32_t rows, values;
} softmax_t;

KERNEL void softmax(const softmax_t *layer, const int8_t *input, int8_t *output)
{
    for (int32_t row = 0; row < layer->rows; row++) {
        int32_t largest = -128;
        for (int32_t i = 0; i < layer->values; i++) {
            largest = input[i] > largest ? input[i] : largest;
        }
        uint32_t sum = 0;
        for (int32_t i = 0; i < layer->values; i++) {
            sum += layer->powers[largest - input[i]];
        }
        for (int32_t i = 0; i < layer->values; i++) {
            const uint32_t steps = (layer->powers[largest - input[i]] * 256u + sum / 2u) / sum;
            output[i] = (int8_t)(steps > 255u ? 127 : (int32_t)steps - 128);
        }
        input += layer->values;
        output += layer->values;
    }
}
