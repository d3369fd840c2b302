/* Written by `edgehar export --c` from @FILE@; do not edit. */
#ifndef STUDENT_H
#define STUDENT_H

#include <stdint.h>

/* SHA-256 of the model file. */
#define STUDENT_MODEL "@SHA256@"

#define STUDENT_INPUTS @INPUTS@ /* @INPUT_SHAPE@ */
#define STUDENT_INPUT_SCALE @INPUT_SCALE@ /* real value = (stored value - zero point) * scale */
#define STUDENT_INPUT_ZERO_POINT (@INPUT_ZERO_POINT@)
#define STUDENT_LOGITS @LOGITS@
#define STUDENT_SCORES @SCORES@
#define STUDENT_SCORE_SCALE @SCORE_SCALE@
#define STUDENT_SCORE_ZERO_POINT (@SCORE_ZERO_POINT@)
#define STUDENT_ARENA_BYTES @ARENA_BYTES@ /* of RAM; the weights are constants and stay in flash */
@WINDOW@
#ifdef __cplusplus
extern "C" {
#endif

@LABELS@
/* Where to write STUDENT_INPUTS values before each run, which overwrites them. */
int8_t *student_input(void);

/* One inference. The STUDENT_SCORES results stay until the next input is written. Not reentrant. */
const int8_t *student_run(void);

/* After a run: the STUDENT_LOGITS values from before the softmax, if the network ends in one. */
const int8_t *student_logits(void);

/* A real value as the network takes it: divided by the scale, rounded half to even, and bounded. */
static inline int8_t student_quantise(float value)
{
    const float steps = value / STUDENT_INPUT_SCALE;
    const float bounded = steps < -512.0f ? -512.0f : steps > 512.0f ? 512.0f : steps;
    int32_t whole = (int32_t)bounded;
    const float rest = bounded - (float)whole;
    if (rest > 0.5f || (rest == 0.5f && whole % 2 != 0)) {
        whole++;
    } else if (rest < -0.5f || (rest == -0.5f && whole % 2 != 0)) {
        whole--;
    }
    whole += STUDENT_INPUT_ZERO_POINT;
    return (int8_t)(whole < -128 ? -128 : whole > 127 ? 127 : whole);
}

/* A result as a real value; after a softmax a probability. */
static inline float student_score(int8_t stored)
{
    return (float)(stored - STUDENT_SCORE_ZERO_POINT) * STUDENT_SCORE_SCALE;
}

#ifdef __cplusplus
}
#endif

#endif
