/* Written by `edgehar export --c` from @FILE@: the operators that it uses, and no others. */
#ifndef STUDENT_RESOLVER_H
#define STUDENT_RESOLVER_H

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

using StudentResolver = tflite::MicroMutableOpResolver<@COUNT@>;

inline TfLiteStatus register_student(StudentResolver& resolver)
{
@CALLS@
    return kTfLiteOk;
}

#endif
