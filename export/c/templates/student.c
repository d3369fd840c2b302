/* Written by `edgehar export --c`; do not edit.
 *
 * The network of the model file with SHA-256
 * @SHA256@
 * in plain C11: @MACS@ multiply-accumulates, no heap, nothing of the C library but memcpy.
 * The results are those of TFLite's reference kernels, to the bit before a softmax, within one step after it.
 * Compile with -O3; on a Cortex-M, -fno-tree-loop-distribute-patterns keeps the compiler from calling memset.
 */
#include "student.h"

#include <stddef.h>

#if defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>
#endif

/* All that is needed of the C library; its header is not. */
void *memcpy(void *restrict to, const void *restrict from, size_t count);

/* Called after each layer with its number; define it to measure them. */
#ifndef STUDENT_MARK
#define STUDENT_MARK(layer) ((void)0)
#endif

/* A kernel is compiled once, not once a layer. */
#if defined(__clang__)
#define KERNEL static __attribute__((noinline))
#elif defined(__GNUC__)
#define KERNEL static __attribute__((noinline, noclone))
#else
#define KERNEL static
#endif

@KERNELS@
/* Layers: weights, factors, sizes ------------------------------------------------------------------ */

@CONSTANTS@
/* Memory: tensors and scratch buffers that are not needed at the same time share their place. -------- */

static union {
    _Alignas(16) int8_t bytes[STUDENT_ARENA_BYTES];
    int16_t halves[STUDENT_ARENA_BYTES / 2];
} arena;

#define TENSOR(offset) (arena.bytes + (offset))
#define SCRATCH(offset) (arena.halves + (offset) / 2)
@LABELS@
int8_t *student_input(void)
{
    return TENSOR(@INPUT@);
}

const int8_t *student_logits(void)
{
    return TENSOR(@LOGITS@);
}

const int8_t *student_run(void)
{
@STEPS@
    return TENSOR(@OUTPUT@);
}
