// From `devicemotion` events to windows at the student's rate. Nothing here touches the page.

export const LONGEST_GAP_S = 1; // a longer pause begins the window anew
const EPSILON_S = 1e-6;

/** 1, or -1 where accelerationIncludingGravity points the other way than the W3C says: on iOS a phone that
 *  lies flat, screen up, gives z = -9.8 where Android gives +9.8. iPads may call themselves Macintosh. */
export function signOf(browser) {
  const touches = browser.maxTouchPoints ?? 0;
  const pad = /Macintosh/.test(browser.userAgent) && touches > 1;
  return pad || /iPhone|iPad|iPod/.test(browser.userAgent) ? -1 : 1;
}

/** The sign under which a phone that lies flat, screen up, reads +9.8 on z; null if it does not lie so. */
export function signOfFlat([x, y, z], sign) {
  const size = Math.hypot(x, y, z);
  if (size < 8.8 || size > 10.8 || Math.abs(z) < 0.9 * size) return null;
  return z > 0 ? sign : -sign;
}

/** {t in s, xyz in m/s^2} of an event, or null where the device has no accelerometer. */
export function sampleOf(event, sign) {
  const found = event.accelerationIncludingGravity;
  if (!found || [found.x, found.y, found.z].some((value) => value === null || !Number.isFinite(value))) {
    return null;
  }
  return { t: event.timeStamp / 1000, xyz: [sign * found.x, sign * found.y, sign * found.z] };
}

function between(one, other, t) {
  const weight = other.t > one.t ? (t - one.t) / (other.t - one.t) : 0;
  return one.xyz.map((value, axis) => value * (1 - weight) + other.xyz[axis] * weight);
}

function lineAt(samples, at) {
  let right = samples.findIndex((one) => one.t >= at - EPSILON_S);
  if (right < 0) right = samples.length - 1;
  return between(samples[Math.max(right - 1, 0)], samples[right], at);
}

/** The mean of the line through the samples from `begin` to `end`. */
function mean(samples, begin, end) {
  const inside = samples.filter((one) => one.t > begin && one.t < end);
  const ends = [begin, end].map((t) => ({ t, xyz: lineAt(samples, t) }));
  const line = [ends[0], ...inside, ends[1]];
  return [0, 1, 2].map((axis) => {
    const parts = line.slice(1).map((one, at) => ((one.t - line[at].t) * (one.xyz[axis] + line[at].xyz[axis])) / 2);
    return parts.reduce((sum, one) => sum + one, 0) / (end - begin);
  });
}

/** Even samples at `rateHz` out of uneven events, the last `length` of them kept as the window.
 *  Linear between events; where events come much faster, their mean round each sample, so that what the
 *  student's rate cannot hold does not fold into it. */
export class Framer {
  constructor(rateHz, length) {
    this.period = 1 / rateHz;
    this.length = length;
    this.restart();
  }

  restart() {
    this.raw = [];
    this.ring = [];
    this.begin = null;
    this.made = 0; // even samples since `begin`
  }

  /** Takes one {t, xyz}; returns how many even samples that made. */
  push(sample) {
    const last = this.raw.at(-1);
    if (last && sample.t <= last.t) return 0; // came late, or twice
    if (last && sample.t - last.t > LONGEST_GAP_S) this.restart();
    this.raw.push(sample);
    this.begin ??= sample.t;
    const reach = this.faster() ? this.period / 2 : 0;
    const before = this.made;
    for (let at = this.at(); at + reach <= sample.t + EPSILON_S; at = this.at()) {
      this.ring.push(this.value(at, reach));
      this.made += 1;
    }
    this.ring.splice(0, this.ring.length - this.length);
    const kept = this.at() - Math.max(2 * this.period, 0.5);
    while (this.raw.length > 2 && this.raw[1].t < kept) this.raw.shift();
    return this.made - before;
  }

  at() {
    return this.begin + this.made * this.period;
  }

  faster() {
    const { raw } = this;
    return raw.length > 4 && (raw.at(-1).t - raw[0].t) / (raw.length - 1) < this.period / 1.5;
  }

  value(at, reach) {
    const begin = Math.max(at - reach, this.raw[0].t);
    return reach ? mean(this.raw, begin, at + reach) : lineAt(this.raw, at);
  }

  /** Float32Array (length x 3), oldest first, or null until it is full. */
  window() {
    return this.ring.length < this.length ? null : Float32Array.from(this.ring.flat());
  }

  fill() {
    return this.ring.length / this.length;
  }
}

/** A whole clip of {t, xyz} as `length` even steps from its first to its last sample, as in training. */
export function wholeClip(samples, length) {
  const begin = samples[0].t;
  const step = (samples.at(-1).t - begin) / (length - 1);
  const rows = [];
  for (let index = 0, right = 1; index < length; index += 1) {
    const at = begin + index * step;
    while (right < samples.length - 1 && samples[right].t < at) right += 1;
    rows.push(between(samples[right - 1], samples[right], at));
  }
  return Float32Array.from(rows.flat());
}
