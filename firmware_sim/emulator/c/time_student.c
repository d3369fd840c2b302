/* time_student.c - times a student in C on the processor that runs it: one line `ns N` an inference.
 *
 *   time_student [REPEATS]
 */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "student.h"

enum { WARM_UP = 5 };

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void fill_input(void) { /* the same noise everywhere; running overwrites it */
    uint32_t state = 1;
    int8_t *input = student_input();
    for (int32_t i = 0; i < STUDENT_INPUTS; i++) {
        state = state * 1664525u + 1013904223u;
        input[i] = (int8_t)(state >> 24);
    }
}

int main(int count, char **words) {
    int repeats = count > 1 ? atoi(words[1]) : 100;
    for (int i = 0; i < WARM_UP + repeats; i++) {
        fill_input();
        int64_t started = now_ns();
        (void)student_run();
        int64_t taken = now_ns() - started;
        if (i >= WARM_UP)
            printf("ns %lld\n", (long long)taken);
    }
    return 0;
}
