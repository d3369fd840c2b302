/* Written by `edgehar export --c` from @FILE@, SHA-256
 * @SHA256@,
 * for TensorFlow Lite for Microcontrollers; do not edit. Include it in one C++ file.
 *
 *   alignas(16) static uint8_t arena[STUDENT_MODEL_ARENA_BYTES];
 *   StudentResolver resolver;
 *   register_student(resolver);
 *   tflite::MicroInterpreter interpreter(tflite::GetModel(student_model), resolver, arena, sizeof arena);
 *   interpreter.AllocateTensors();
 */
#ifndef STUDENT_MODEL_H
#define STUDENT_MODEL_H

@ARENA@

#define STUDENT_MODEL_BYTES @BYTES@

#if defined(__cplusplus)
alignas(16)
#else
_Alignas(16)
#endif
static const unsigned char student_model[STUDENT_MODEL_BYTES] = {
@NUMBERS@
};

#endif
