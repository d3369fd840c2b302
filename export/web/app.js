// The page: sensors in, class out. What can be tested without a page is in motion.js, student.js, sessions.js.

import { Framer, LONGEST_GAP_S, sampleOf, signOf, signOfFlat, wholeClip } from "./motion.js";
import { Sessions, save } from "./sessions.js";
import { Student } from "./student.js";

const HOP_S = 0.5;
const SILENCE_MS = 3000; // without one event there is no sensor
const SHOWN = 120; // decisions in the picture

const part = (id) => document.getElementById(id);
const sessions = new Sessions();
const history = [];
let student;
let framer;
let sign = signOf(navigator);
let latest = null;
let seen = 0;
let recent = []; // times of the last events, for their rate
let clip = null; // samples of the action being recorded for a student of whole clips
let session = null; // samples of the labelled session being recorded
let busy = false;
let sinceScored = 0;

function say(text, fault = false) {
  part("status").textContent = text;
  part("status").classList.toggle("fault", fault);
}

async function begin() {
  try {
    student = await Student.load();
  } catch (error) {
    say(error.message, true);
    return;
  }
  const { contract } = student;
  const streams = contract.rate_hz !== null;
  framer = streams ? new Framer(contract.rate_hz, contract.window) : null;
  part("student").textContent = contract.student;
  part("about").textContent = `${contract.model}, ${contract.labels.length} classes, ` +
    (streams ? `${contract.window} samples at ${contract.rate_hz} Hz` : "one whole action at a time");
  part("labels").replaceChildren(...contract.labels.map((name) => new Option(name)));
  part("capture").hidden = streams;
  part("start").disabled = false;
  say(streams ? "Ready." : "This file was trained on whole clips and is not for streaming: start the sensors, " +
    "then record one action from its beginning to its end.");
  keepOffline(contract.sha256);
}

async function keepOffline(version) {
  if (!("serviceWorker" in navigator)) {
    part("offline").textContent = "while this page is open";
    return;
  }
  try {
    await navigator.serviceWorker.register(`sw.js?v=${version}`);
    const urls = performance.getEntriesByType("resource").map((entry) => entry.name);
    const own = urls.filter((url) => url.startsWith(location.origin) && !url.includes("sw.js"));
    const cache = await caches.open(`edgehar-${version}`);
    await cache.addAll([...new Set([location.href.split("#")[0], ...own])]);
    part("offline").textContent = "kept for later";
  } catch {
    part("offline").textContent = "while this page is open (the certificate is not trusted)";
  }
}

async function start() {
  if (!globalThis.DeviceMotionEvent) {
    const secure = globalThis.isSecureContext;
    say(secure ? "This browser has no motion sensors: open the page on a phone." :
      "Motion sensors need a secure page: open it by https, without --no-tls.", true);
    return;
  }
  if (DeviceMotionEvent.requestPermission) {
    const answer = await DeviceMotionEvent.requestPermission().catch((error) => error.message);
    if (answer !== "granted") {
      say("Motion was not permitted: close this page, open it again and allow it.", true);
      return;
    }
  }
  addEventListener("devicemotion", listen);
  for (const id of ["record", "capture", "flat"]) part(id).disabled = false;
  part("start").hidden = true;
  say(framer ? "Filling the window." : "Ready to record one action.");
  setTimeout(() => seen || say("No motion events come: this device has no accelerometer, or the browser " +
    "keeps it from pages (Settings, Site settings, Motion sensors).", true), SILENCE_MS);
}

function listen(event) {
  const sample = sampleOf(event, sign);
  if (sample === null) return;
  if (sample.t - (latest?.t ?? sample.t) > LONGEST_GAP_S) recent = [];
  recent.push(sample.t);
  recent.splice(0, recent.length - 50);
  seen += 1;
  latest = sample;
  clip?.push(sample);
  session?.push(sample);
  if (seen % 10 === 0) showSensor(sample);
  if (!framer) return;
  sinceScored += framer.push(sample);
  if (framer.fill() < 1) {
    say(`Filling the window: ${Math.floor(100 * framer.fill())} %.`);
  } else if (!busy && sinceScored >= HOP_S * student.contract.rate_hz) {
    sinceScored = 0;
    decide(framer.window());
  }
}

function showSensor({ t, xyz }) {
  const rate = t > recent[0] ? (recent.length - 1) / (t - recent[0]) : 0;
  part("sensor").textContent = `${xyz.map((value) => value.toFixed(1)).join(", ")} m/s², ${rate.toFixed(0)} Hz`;
}

async function decide(window) {
  busy = true;
  try {
    const found = await student.score(window);
    const order = found.scores.map((_, index) => index).sort((a, b) => found.scores[b] - found.scores[a]);
    const best = order[0];
    history.push({ label: best, probability: found.scores[best] });
    history.splice(0, history.length - SHOWN);
    part("label").textContent = student.contract.labels[best];
    part("probability").textContent = `${(100 * found.scores[best]).toFixed(0)} %`;
    part("best").replaceChildren(...order.slice(0, 3).map((index) => item(index, found.scores[index])));
    part("best").dataset.stored = JSON.stringify(found.stored);
    part("best").dataset.decisions = Number(part("best").dataset.decisions ?? 0) + 1;
    showCost(found.ms);
    draw();
    say(framer ? "Running." : "Ready to record the next action.");
  } catch (error) {
    say(`The student stopped (${error.message}): load the page again.`, true);
  } finally {
    busy = false;
  }
}

function item(index, score) {
  const line = document.createElement("li");
  line.textContent = `${student.contract.labels[index]} ${(100 * score).toFixed(0)} %`;
  return line;
}

const times = [];

function showCost(ms) {
  times.push(ms);
  times.splice(0, times.length - 51);
  const median = [...times].sort((a, b) => a - b)[times.length >> 1];
  part("inference").textContent = `${median.toFixed(2)} ms (median of ${times.length})`;
  const watts = Number(part("watts").value);
  const each = `${(median * watts).toFixed(2)} mJ a decision`;
  const on = framer ? `, ${((median * watts) / HOP_S).toFixed(2)} mW while it runs` : "";
  part("battery").textContent = watts > 0 ? `${each}${on}; sensor and screen not counted` : "needs the power";
}

function draw() {
  const canvas = part("history");
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
  pen.clearRect(0, 0, width, height);
  pen.strokeStyle = "#8886";
  for (const level of [0, 0.5, 1]) {
    pen.strokeRect(0, height - 2 - level * (height - 4), width, 0.5);
  }
  const step = width / SHOWN;
  history.forEach(({ label, probability }, index) => {
    pen.fillStyle = `hsl(${(label * 137.5) % 360} 60% 50%)`;
    pen.fillRect(index * step, height - probability * height, step - 1, probability * height);
  });
}

function capture() {
  if (clip === null) {
    clip = [];
    part("capture").textContent = "Stop";
    part("capture").classList.add("on");
    return;
  }
  const samples = clip;
  clip = null;
  part("capture").textContent = "Record one action";
  part("capture").classList.remove("on");
  if (samples.length < 2) say("No motion came in: record again.", true);
  else decide(wholeClip(samples, student.contract.window));
}

function record(event) {
  event.preventDefault();
  if (session === null) {
    session = [];
    part("record").textContent = "Stop and save";
    part("record").classList.add("on");
    return;
  }
  const samples = session;
  session = null;
  part("record").textContent = "Record";
  part("record").classList.remove("on");
  if (samples.length < 2) {
    say("No motion came in: record again.", true);
    return;
  }
  const file = sessions.add(part("session-label").value, part("session-subject").value, samples);
  save(file.name, file.text);
  part("manifest").hidden = false;
  part("recorded").textContent = `${sessions.kept.length} sessions, the last ${file.name}; save the manifest at the end.`;
}

function checkFlat() {
  const found = latest && signOfFlat(latest.xyz, sign);
  if (!found) {
    say("It does not lie flat and still, so the axes were not checked.", true);
    return;
  }
  const turned = found !== sign;
  sign = found;
  framer?.restart();
  say(turned ? "This phone's signs are the other way round: they are turned now." : "The axes are right.");
}

part("start").addEventListener("click", start);
part("capture").addEventListener("click", capture);
part("session").addEventListener("submit", record);
part("manifest").addEventListener("click", () => save("manifest.csv", sessions.manifest()));
part("flat").addEventListener("click", checkFlat);
begin();
