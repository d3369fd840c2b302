// Runs @MODEL@ on Android. Put the file into app/src/main/assets and into app/build.gradle.kts:
//     implementation("com.google.ai.edge.litert:litert:1.4.0")
//     android { androidResources { noCompress += "tflite" } }
package edgehar

import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.tensorflow.lite.Interpreter

/** The student. One thread at a time. */
class Student(model: ByteBuffer) : AutoCloseable {
    private val interpreter = Interpreter(model, Interpreter.Options().setNumThreads(1))
    private val input = buffer(WINDOW * AXES)
    private val output = buffer(LABELS.size)

    /**
     * Probabilities of LABELS. window: WINDOW rows of @AXIS_ORDER@ in @UNIT@, gravity included, oldest first,
     * as SensorEvent.values of Sensor.TYPE_ACCELEROMETER gives them, at RATE_HZ. The student normalises.
     */
    fun scores(window: FloatArray): FloatArray {
        require(window.size == WINDOW * AXES) { "a window is " + WINDOW + " x " + AXES + " values" }
        input.rewind()
        for (value in window) put(value)
        runStored()
        return FloatArray(LABELS.size) { if (INT8) (output.get(it) - OUTPUT_ZERO) * OUTPUT_SCALE else output.getFloat(4 * it) }
    }

    /**
     * How far the student is off on the golden windows (`golden/windows.bin` and `golden/scores.bin` of a
     * bundle, or what `edgehar deploy --adb` pushes), in steps of the output (int8) or in 1/256 (float). At
     * most 4 is what other processors' rounding explains.
     */
    fun check(goldenWindows: ByteArray, goldenScores: ByteArray): Int {
        val windows = ByteBuffer.wrap(goldenWindows).order(ByteOrder.LITTLE_ENDIAN)
        val expected = ByteBuffer.wrap(goldenScores).order(ByteOrder.LITTLE_ENDIAN)
        val one = ByteArray(input.capacity())
        var worst = 0
        while (windows.hasRemaining()) {
            windows.get(one)
            input.rewind()
            input.put(one)
            runStored()
            for (label in LABELS.indices) {
                val off = if (INT8) Math.abs(output.get(label) - expected.get())
                    else Math.ceil(256.0 * Math.abs(output.getFloat(4 * label) - expected.getFloat())).toInt()
                worst = Math.max(worst, off)
            }
        }
        return worst
    }

    override fun close() = interpreter.close()

    private fun put(value: Float) {
        if (INT8) {
            val stored = Math.rint((value / INPUT_SCALE).toDouble()).toInt() + INPUT_ZERO
            input.put(stored.coerceIn(-128, 127).toByte())
        } else {
            input.putFloat(value)
        }
    }

    private fun runStored() {
        input.rewind()
        output.rewind()
        interpreter.run(input, output)
    }

    private fun buffer(values: Int): ByteBuffer =
        ByteBuffer.allocateDirect(if (INT8) values else 4 * values).order(ByteOrder.nativeOrder())

    companion object {
        const val WINDOW = @WINDOW@
        const val AXES = @AXES@
        val RATE_HZ: Double? = @RATE@
        const val INT8 = @INT8@
        const val INPUT_SCALE = @INPUT_SCALE@
        const val INPUT_ZERO = @INPUT_ZERO@
        const val OUTPUT_SCALE = @OUTPUT_SCALE@
        const val OUTPUT_ZERO = @OUTPUT_ZERO@
        val LABELS = listOf(
@LABELS@
        )
    }
}
