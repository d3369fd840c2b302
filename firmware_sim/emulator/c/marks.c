/* marks.c - linked with --wrap=student_run: says to armcount where an inference begins and ends. */
#include <stdint.h>

#include "marks.h"

const int8_t *__real_student_run(void);
const int8_t *__wrap_student_run(void);

const int8_t *__wrap_student_run(void) {
    MARK_BEGIN;
    const int8_t *scores = __real_student_run();
    MARK_END;
    return scores;
}
