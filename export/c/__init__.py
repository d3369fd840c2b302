"""Writes an int8 `.tflite` as plain C for a microcontroller, and proves that it says the same.

`graph` reads the file, `layers` turns each operator into a kernel's call and its constants, `plan` places
the buffers, `source` puts the text together, `golden` makes vectors to check it by, `package` writes all.
The kernels themselves are C text in `kernels/`, what stands around them in `templates/`.
"""
