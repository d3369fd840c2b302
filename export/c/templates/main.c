/* Checks the student against the golden vectors, then classifies what comes in. A start for your firmware.
 *
 * On a computer samples are read from stdin, one a line. In firmware, compile with -ffreestanding and let
 * next_sample ask your sensor; main then returns how many golden vectors failed once it says that no more
 * samples come.
 */
#include "golden.h"
#include "student.h"

#include <string.h>

#if __STDC_HOSTED__
#include <stdio.h>
#define SAY(...) ((void)printf(__VA_ARGS__))
#else
#define SAY(...) ((void)0)
#endif

/* Steps by which `values` differ from `expected`, at most. */
static int32_t largest_difference(const int8_t *values, const int8_t *expected, int32_t count)
{
    int32_t largest = 0;
    for (int32_t i = 0; i < count; i++) {
        const int32_t difference = values[i] > expected[i] ? values[i] - expected[i] : expected[i] - values[i];
        largest = difference > largest ? difference : largest;
    }
    return largest;
}

/* How many golden vectors give other logits than LiteRT's reference kernels, or scores more than a step
 * away; a network without a softmax has no steps to spare. */
static int check_golden(void)
{
    int failed = 0;
    for (int32_t i = 0; i < GOLDEN_COUNT; i++) {
        memcpy(student_input(), golden_inputs[i], STUDENT_INPUTS);
        const int8_t *scores = student_run();
        const int32_t logits = largest_difference(student_logits(), golden_logits[i], STUDENT_LOGITS);
        const int32_t steps = largest_difference(scores, golden_scores[i], STUDENT_SCORES);
        if (logits > 0 || steps > 1) {
            SAY("golden vector %d: logits differ by %d, scores by %d steps\n", (int)i, (int)logits, (int)steps);
            failed++;
        }
    }
    SAY("%d of %d golden vectors agree\n", GOLDEN_COUNT - failed, GOLDEN_COUNT);
    return failed;
}

#if defined(STUDENT_WINDOW)

/* A student that streams answers every half window; one for whole clips, once per clip. */
#define HOP (STUDENT_STREAMS ? STUDENT_WINDOW / 2 : STUDENT_WINDOW)

static int8_t ring[STUDENT_WINDOW][STUDENT_CHANNELS];
static int32_t oldest; /* where the next sample goes */

/* One sample of the sensor, in the unit that student.h names. Returns 0 when no more come. */
static int next_sample(float sample[STUDENT_CHANNELS])
{
#if __STDC_HOSTED__
    for (int i = 0; i < STUDENT_CHANNELS; i++) {
        if (scanf("%f%*[ ,;\t]", &sample[i]) < 1) {
            return 0;
        }
    }
    return 1;
#else
    (void)sample; /* ask your sensor here, at STUDENT_RATE_HZ */
    return 0;
#endif
}

static void keep(const float sample[STUDENT_CHANNELS])
{
    for (int i = 0; i < STUDENT_CHANNELS; i++) {
        ring[oldest][i] = student_quantise(sample[i]);
    }
    oldest = oldest + 1 == STUDENT_WINDOW ? 0 : oldest + 1;
}

/* The ring in the order of time, oldest sample first, and one inference on it. */
static int32_t classify(void)
{
    const size_t sample = sizeof ring[0], later = (size_t)(STUDENT_WINDOW - oldest);
    memcpy(student_input(), ring[oldest], later * sample);
    memcpy(student_input() + later * sample, ring[0], (size_t)oldest * sample);
    const int8_t *scores = student_run();
    int32_t best = 0;
    for (int32_t i = 1; i < STUDENT_SCORES; i++) {
        best = scores[i] > scores[best] ? i : best;
    }
    SAY("class %d, score %.3f\n", (int)best, (double)student_score(scores[best]));
    return best;
}

static void listen(void)
{
    float sample[STUDENT_CHANNELS];
    int32_t missing = STUDENT_WINDOW; /* samples until the next answer */
    while (next_sample(sample)) {
        keep(sample);
        if (--missing == 0) {
            (void)classify();
            missing = HOP;
        }
    }
}

#else

static void listen(void)
{
}

#endif

int main(void)
{
    const int failed = check_golden();
    if (failed == 0) {
        listen();
    }
    return failed;
}
