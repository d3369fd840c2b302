/* lrun.c - runs one .tflite file with LiteRT 2.3's C library and marks the inferences for armcount.
 *
 *   lrun LIBRARY MODEL REPEATS INPUTS OUTPUTS
 *
 * INPUTS holds the bytes of all inputs one after another, OUTPUTS is written likewise. Markers: 0 after the
 * first inference, 1 after two more, 2 after REPEATS more. No headers of LiteRT are needed, and no Python.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void *handle;

enum { MOST_TENSORS = 16, CPU = 1, READ = 0, WRITE = 1, MARKER = 0x5eed0000, MARKED_FIRST = 2 };
enum { TYPE_BYTES = 512, DIMENSIONS_AT = 8, MOST_DIMENSIONS = 8 }; /* LiteRtRankedTensorType: kind, rank, sizes */

static handle library;

static void *symbol(const char *name) {
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "lrun: LiteRT has no %s\n", name);
        exit(2);
    }
    return found;
}

static void check(int status, const char *what) {
    if (status) {
        fprintf(stderr, "lrun: %s gave status %d\n", what, status);
        exit(3);
    }
}

/* CALL(name, (types), (arguments)): calls a function of the library and checks its status. */
#define CALL(name, types, arguments) check(((int(*) types)symbol(#name)) arguments, #name)

static handle environment, model, compiled, signature;

static handle make_buffer(size_t index, int is_input) {
    union { char bytes[TYPE_BYTES]; int words[TYPE_BYTES / sizeof(int)]; } type = {{0}};
    handle tensor, requirements, buffer;
    if (is_input)
        CALL(LiteRtGetSignatureInputTensorByIndex, (handle, size_t, handle *), (signature, index, &tensor));
    else
        CALL(LiteRtGetSignatureOutputTensorByIndex, (handle, size_t, handle *), (signature, index, &tensor));
    CALL(LiteRtGetRankedTensorType, (handle, void *), (tensor, type.bytes));
    for (int i = 0; i < MOST_DIMENSIONS; i++) /* an open dimension is a batch of 1 */
        if (type.words[DIMENSIONS_AT / sizeof(int) + i] < 0)
            type.words[DIMENSIONS_AT / sizeof(int) + i] = 1;
    if (is_input)
        CALL(LiteRtGetCompiledModelInputBufferRequirements, (handle, size_t, size_t, handle *),
             (compiled, 0, index, &requirements));
    else
        CALL(LiteRtGetCompiledModelOutputBufferRequirements, (handle, size_t, size_t, handle *),
             (compiled, 0, index, &requirements));
    CALL(LiteRtCreateManagedTensorBufferFromRequirements, (handle, void *, handle, handle *),
         (environment, type.bytes, requirements, &buffer));
    return buffer;
}

static void transfer(handle *buffers, size_t count, const char *path, int write_to_buffer) {
    FILE *file = fopen(path, write_to_buffer ? "rb" : "wb");
    if (!file) {
        perror(path);
        exit(1);
    }
    for (size_t i = 0; i < count; i++) {
        size_t size;
        void *bytes;
        CALL(LiteRtGetTensorBufferPackedSize, (handle, size_t *), (buffers[i], &size));
        CALL(LiteRtLockTensorBuffer, (handle, void **, int), (buffers[i], &bytes, write_to_buffer ? WRITE : READ));
        size_t done = write_to_buffer ? fread(bytes, 1, size, file) : fwrite(bytes, 1, size, file);
        if (done != size) {
            fprintf(stderr, "lrun: %s: %zu of %zu bytes\n", path, done, size);
            exit(1);
        }
        CALL(LiteRtUnlockTensorBuffer, (handle), (buffers[i]));
    }
    fclose(file);
}

static void open_model(const char *path) {
    handle options;
    CALL(LiteRtCreateEnvironment, (int, void *, handle *), (0, NULL, &environment));
    CALL(LiteRtCreateModelFromFile, (handle, const char *, handle *), (environment, path, &model));
    CALL(LiteRtCreateOptions, (handle *), (&options));
    CALL(LiteRtSetOptionsHardwareAccelerators, (handle, int), (options, CPU));
    CALL(LiteRtCreateCompiledModel, (handle, handle, handle, handle *), (environment, model, options, &compiled));
    CALL(LiteRtGetModelSignature, (handle, size_t, handle *), (model, 0, &signature));
}

int main(int count, char **words) {
    if (count != 6) {
        fprintf(stderr, "lrun LIBRARY MODEL REPEATS INPUTS OUTPUTS\n");
        return 1;
    }
    if (!(library = dlopen(words[1], RTLD_NOW))) {
        fprintf(stderr, "lrun: %s\n", dlerror());
        return 1;
    }
    open_model(words[2]);
    handle inputs[MOST_TENSORS], outputs[MOST_TENSORS];
    size_t input_count, output_count;
    CALL(LiteRtGetNumSignatureInputs, (handle, size_t *), (signature, &input_count));
    CALL(LiteRtGetNumSignatureOutputs, (handle, size_t *), (signature, &output_count));
    if (input_count > MOST_TENSORS || output_count > MOST_TENSORS) {
        fprintf(stderr, "lrun: more than %d inputs or outputs\n", MOST_TENSORS);
        return 1;
    }
    for (size_t i = 0; i < input_count; i++)
        inputs[i] = make_buffer(i, 1);
    for (size_t i = 0; i < output_count; i++)
        outputs[i] = make_buffer(i, 0);
    transfer(inputs, input_count, words[4], 1);
    int (*infer)(handle, size_t, size_t, handle *, size_t, handle *) = symbol("LiteRtRunCompiledModel");
    check(infer(compiled, 0, input_count, inputs, output_count, outputs), "the first inference");
    int status = 0, repeats = atoi(words[3]);
    close(MARKER);
    for (int i = 0; i < MARKED_FIRST; i++)
        status |= infer(compiled, 0, input_count, inputs, output_count, outputs);
    close(MARKER + 1);
    for (int i = 0; i < repeats; i++)
        status |= infer(compiled, 0, input_count, inputs, output_count, outputs);
    close(MARKER + 2);
    check(status, "an inference");
    transfer(outputs, output_count, words[5], 0);
    return 0;
}
