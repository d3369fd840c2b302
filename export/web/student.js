// The student: a .tflite in LiteRT.js, fed and read as its contract says.

import { Tensor, loadAndCompile, loadLiteRt } from "./litert/core.js";

/** Stored integers of values in m/s^2; int8 borders quantise, float borders take the values themselves. */
export function stored(values, port) {
  if (port.dtype === "float32") return values;
  const { scale, zero_point: zero } = port;
  return Int8Array.from(values, (value) => Math.max(-128, Math.min(127, Math.round(value / scale) + zero)));
}

function real(found, port) {
  return port.dtype === "float32" ? found : found.map((value) => (value - port.zero_point) * port.scale);
}

export class Student {
  /** Loads runtime and model. Throws an Error whose message is a sentence for the user. */
  static async load() {
    const contract = await (await fetch("model.json")).json();
    try {
      await loadLiteRt("litert/litert_wasm_compat_internal.js"); // the variant that asks less of a browser
      const model = await loadAndCompile(contract.model, { accelerator: "wasm" });
      return new Student(contract, model);
    } catch (error) {
      throw new Error(`This browser cannot run ${contract.model} (${error.message}); use the .onnx file or an app.`);
    }
  }

  constructor(contract, model) {
    this.contract = contract;
    this.model = model;
  }

  /** {stored, scores, ms} of a window, Float32Array (T x 3) in m/s^2. */
  async score(window) {
    const { input, output } = this.contract;
    const begun = performance.now();
    const taken = new Tensor(stored(window, input), input.shape);
    const [given] = await this.model.run([taken]);
    const found = Array.from(given.toTypedArray());
    const ms = performance.now() - begun;
    taken.delete();
    given.delete();
    return { stored: found, scores: real(found, output), ms };
  }
}
