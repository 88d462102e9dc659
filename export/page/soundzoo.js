// The page: hears files and the microphone, and shows what is heard.

import { Classifier, Recording } from "./classifier.js";
import { Pictures } from "./pictures.js";

const LIVE_SECONDS = 30; // of the microphone's sound that are kept and shown
const BEST = 5; // labels
const BREATH = 30; // ms of work, after which the page may answer its user

const element = (id) => document.getElementById(id);
let pictures;
let asked = null; // the file that was chosen last
let microphone = null; // {context, stream} while it is on

/** The model, a `Classifier`; undefined where it does not run. */
export let classifier;
/** What is shown, a `Recording`; null before the first sound. */
export let recording = null;

async function begin() {
  try {
    classifier = await Classifier.load();
  } catch (error) {
    throw new Error(`The model does not run here: ${error.message}`);
  }
  pictures = new Pictures(classifier, {
    waveform: element("waveform"),
    spectrogram: element("spectrogram"),
    scores: element("scores"),
  });
  const { about, loadMilliseconds } = classifier;
  element("about").textContent = `${about.name} knows ${about.labels.length} sounds.`;
  element("model").textContent = about.description;
  if (about.license) element("model").append(` Licence: ${about.license}.`);
  element("runtime").textContent = about.runtime;
  element("loaded").textContent = `${(loadMilliseconds / 1000).toFixed(1)} s`;
  element("choose").disabled = element("microphone").disabled = false;
  say("Ready.");
}

// === Files ===

async function hearFile(file) {
  complain("");
  say(`Reading ${file.name}.`);
  asked = file;
  const samples = await decode(file);
  if (asked !== file) return; // by now, another file is read
  await stopMicrophone();
  const mine = (recording = new Recording(samples));
  reset(`Mean of ${file.name}, ${seconds(mine.end)}`);
  let rested = performance.now();
  for (const start of classifier.starts(mine.end)) {
    await classifier.hear(mine, start);
    if (performance.now() - rested > BREATH) {
      show();
      await new Promise((resolve) => setTimeout(resolve));
      rested = performance.now();
    }
    if (recording !== mine) return; // by now, another sound is heard
  }
  show();
  const [{ label, score }] = classifier.best(mine.scores, 1);
  say(`${file.name}, ${seconds(mine.end)}: ${score ? `${label}, ${score.toFixed(2)}` : "silence"}.`);
}

/** Mono samples of a file, at the model's rate. */
async function decode(file) {
  const context = new OfflineAudioContext(1, 1, classifier.about.frontend.sample_rate);
  let sound;
  try {
    sound = await context.decodeAudioData(await file.arrayBuffer());
  } catch {
    throw new Error(`${file.name} is no sound that this browser can read.`);
  }
  const samples = sound.getChannelData(0);
  for (let channel = 1; channel < sound.numberOfChannels; channel++) {
    sound.getChannelData(channel).forEach((sample, index) => (samples[index] += sample));
  }
  return samples.map((sample) => sample / sound.numberOfChannels);
}

// === The microphone ===

async function startMicrophone() {
  complain("");
  element("microphone").disabled = true; // until the user has allowed it, or not
  try {
    await openMicrophone();
  } finally {
    element("microphone").disabled = false;
  }
  showMicrophone();
  reset("Now");
  say("Listening.");
}

async function openMicrophone() {
  if (!navigator.mediaDevices) throw new Error("Only pages from https and localhost may ask for the microphone.");
  const rate = classifier.about.frontend.sample_rate;
  const context = new AudioContext({ sampleRate: rate });
  let stream;
  try {
    await context.audioWorklet.addModule("microphone.js");
    // What makes voices clear takes other sounds away.
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    stream = await navigator.mediaDevices.getUserMedia({ audio });
    const mine = (recording = new Recording(new Float32Array(0), LIVE_SECONDS * rate));
    const node = new AudioWorkletNode(context, "microphone", { channelCount: 1, channelCountMode: "explicit" });
    node.port.onmessage = ({ data }) => attempt(() => hearBlock(mine, data));
    context.createMediaStreamSource(stream).connect(node).connect(context.destination); // silence
    stream.getTracks()[0].onended = () => attempt(loseMicrophone);
  } catch (error) {
    stream?.getTracks().forEach((track) => track.stop());
    await context.close();
    throw new Error(PROBLEMS[error.name] ?? `The microphone cannot be heard: ${error.message}`);
  }
  microphone = { context, stream };
}

const PROBLEMS = {
  NotAllowedError: "The microphone is not allowed. Allow it for this page, in the browser, and press the button again.",
  NotFoundError: "There is no microphone.",
  NotReadableError: "The microphone is taken by another program.",
  NotSupportedError: "This browser cannot bring the microphone's sound to the model's sample rate.",
};

/** Takes sound from the microphone, and scores the windows that it completes. */
async function hearBlock(mine, block) {
  mine.append(block);
  if (mine.busy) return;
  mine.busy = true;
  try {
    await hearWhole(mine);
  } finally {
    mine.busy = false;
  }
  if (recording !== mine) return;
  show();
  if (!mine.rows.length || !microphone) return; // it may have been stopped while the window was heard
  // Screen readers tell what is new: each label once, while it stays.
  const [{ label, score }] = classifier.best(mine.scores, 1);
  say(`Now: ${score ? label : "silence"}.`);
}

async function hearWhole(mine) {
  const { window_samples: length, hop_samples: hop } = classifier.about;
  while (mine.next + length <= mine.end) {
    const start = Math.max(mine.next, mine.first); // slow devices leave sound out
    mine.next = start + hop;
    await classifier.hear(mine, start);
  }
}

async function stopMicrophone() {
  if (!microphone) return;
  const { context, stream } = microphone;
  microphone = null;
  stream.getTracks().forEach((track) => track.stop());
  await context.close();
  showMicrophone();
  say("Stopped.");
}

async function loseMicrophone() {
  await stopMicrophone();
  throw new Error("The microphone was taken away.");
}

// === What is shown ===

/** Does what a user asked for; what goes wrong is said. */
async function attempt(action) {
  try {
    await action();
  } catch (error) {
    say("");
    complain(error.message);
  }
}

function say(text) {
  if (element("status").textContent !== text) element("status").textContent = text;
}

function complain(text) {
  element("error").textContent = text;
}

function seconds(samples) {
  return `${(samples / classifier.about.frontend.sample_rate).toFixed(1)} s`;
}

function showMicrophone() {
  element("microphone").textContent = microphone ? "Stop the microphone" : "Use the microphone";
}

function reset(caption) {
  classifier.milliseconds = [];
  element("results").hidden = false;
  element("best").caption.textContent = caption;
  for (const id of ["best", "timeline"]) element(id).tBodies[0].replaceChildren();
  show();
}

function show() {
  pictures.show(recording);
  element("from").textContent = seconds(recording.first);
  element("to").textContent = seconds(recording.first + pictures.span);
  if (!recording.rows.length) return;
  const rows = classifier.best(recording.scores, BEST).map(({ label, score }) => {
    const meter = Object.assign(document.createElement("meter"), { value: score, ariaHidden: "true" });
    return tableRow([label], [score.toFixed(2), meter]);
  });
  element("best").tBodies[0].replaceChildren(...rows);
  showTimeline();
  showSpeed();
}

/** Adds rows that are new and drops those that are gone; others stay, for those who read them. */
function showTimeline() {
  const body = element("timeline").tBodies[0];
  const last = Number(body.lastElementChild?.dataset.start ?? -1);
  for (const { start, scores } of recording.rows.filter((row) => row.start > last)) {
    const [{ label, score }] = classifier.best(scores, 1);
    const row = tableRow([seconds(start)], [label], [score.toFixed(2)]);
    row.dataset.start = start;
    body.append(row);
  }
  while (body.rows.length > recording.rows.length) body.firstElementChild.remove();
}

function showSpeed() {
  const times = classifier.milliseconds.toSorted((one, other) => one - other);
  if (!times.length) return;
  const length = classifier.about.window_samples / classifier.about.frontend.sample_rate;
  const median = times[times.length >> 1].toFixed(1);
  element("latency").textContent =
    `${median} ms for ${length.toFixed(3)} s of sound: the median of the last ${times.length}, of which the slowest took ${times.at(-1).toFixed(1)} ms`;
}

/** A row whose first cell is its head. */
function tableRow(...contents) {
  const row = document.createElement("tr");
  contents.forEach((content, index) => {
    const cell = document.createElement(index ? "td" : "th");
    if (!index) cell.scope = "row";
    cell.append(...content);
    row.append(cell);
  });
  return row;
}

element("choose").addEventListener("click", () => element("file").click());
element("file").addEventListener("change", ({ target }) => {
  const [file] = target.files;
  target.value = ""; // so that the same file may be chosen again
  if (file) attempt(() => hearFile(file));
});
element("microphone").addEventListener("click", () => attempt(microphone ? stopMicrophone : startMicrophone));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  const [file] = event.dataTransfer.files;
  if (file && classifier) attempt(() => hearFile(file));
});

await attempt(begin);
