// The model, and the sound that it hears.

/** Mono samples and the scores of their windows. Places count samples from the sound's start. */
export class Recording {
  rows = []; // {start: place, scores: Float32Array}
  first = 0; // place of the first sample that is kept
  next = 0; // place of the next window; of live sound

  /** A file's samples; or, live, none yet, and how many of those that come are kept. */
  constructor(samples, keep = Infinity) {
    this.samples = samples;
    this.keep = keep;
    this.live = Number.isFinite(keep);
    this.silent = !this.live && samples.every((sample) => sample === 0);
  }

  get end() {
    return this.first + this.samples.length;
  }

  append(block) {
    const dropped = Math.max(0, this.samples.length + block.length - this.keep);
    const joined = new Float32Array(this.samples.length - dropped + block.length);
    joined.set(this.samples.subarray(dropped));
    joined.set(block, joined.length - block.length);
    this.samples = joined;
    this.first += dropped;
    this.rows = this.rows.filter((row) => row.start >= this.first);
  }

  /** So many samples from a place on, with zeros behind the last. */
  window(start, length) {
    const window = new Float32Array(length);
    window.set(this.samples.subarray(start - this.first, start - this.first + length));
    return window;
  }

  /** Scores of the whole: the mean of a file's windows; live, the last window. */
  get scores() {
    const rows = this.live ? this.rows.slice(-1) : this.rows;
    const sums = new Float64Array(rows[0].scores.length);
    for (const { scores } of rows) scores.forEach((score, index) => (sums[index] += score));
    return sums.map((sum) => sum / rows.length);
  }
}

/** The .tflite file beside the page, in LiteRT.js. */
export class Classifier {
  milliseconds = []; // that the last windows took

  static async load() {
    const begun = performance.now();
    const [about, content, { loadLiteRt, Tensor }] = await Promise.all([
      get("model.json").then((response) => response.json()),
      get("model.tflite").then((response) => response.arrayBuffer()),
      import("@litertjs/core"),
    ]);
    const runtime = await loadLiteRt(new URL("litertjs/core/wasm/", import.meta.url).pathname);
    const classifier = new Classifier();
    classifier.about = about;
    classifier.Tensor = Tensor;
    classifier.silence = Float32Array.from(about.labels, (label) => Number(label === about.silence));
    classifier.model = await runtime.loadAndCompile(new Uint8Array(content), { accelerator: "wasm" });
    await classifier.score(new Float32Array(about.window_samples)); // the first run takes longer
    classifier.milliseconds = [];
    classifier.loadMilliseconds = performance.now() - begun;
    return classifier;
  }

  /** Scores of the samples of one window. */
  async score(window) {
    const begun = performance.now();
    const input = new this.Tensor(window, [1, window.length]);
    const [output] = await this.model.run([input]);
    const scores = output.toTypedArray();
    input.delete();
    output.delete();
    this.milliseconds = [...this.milliseconds.slice(-99), performance.now() - begun];
    if (scores.some(Number.isNaN)) throw new Error("This sound holds samples that are not numbers.");
    return scores;
  }

  /** Where the windows of a sound start: a remainder that is too short makes none. */
  starts(samples) {
    const { window_samples: length, hop_samples: hop, tail_samples: tail } = this.about;
    const count = Math.max(1, Math.floor((samples - (length - hop) - tail) / hop) + 1);
    return Array.from({ length: count }, (_, index) => index * hop);
  }

  /** Adds the scores of the window that starts at a place. */
  async hear(recording, start) {
    const window = recording.window(start, this.about.window_samples);
    // What networks make of zeros is chance. Whether a microphone stays muted, nobody knows.
    const silent = recording.live ? window.every((sample) => sample === 0) : recording.silent;
    const scores = silent ? this.silence : await this.score(window);
    recording.rows.push({ start, scores });
  }

  /** The best of a row of scores: `[{index, label, score}]`. */
  best(scores, count) {
    const all = Array.from(scores, (score, index) => ({ index, label: this.about.labels[index], score }));
    return all.sort((one, other) => other.score - one.score).slice(0, count);
  }
}

async function get(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} cannot be loaded: ${response.status}.`);
  return response;
}
