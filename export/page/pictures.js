// Waveform, log-mel spectrogram and scores of a recording, one below the other over the same time.

const STRIPS = 6; // labels
const COLORS = [[0, 0, 4], [81, 18, 124], [183, 55, 121], [252, 137, 97], [252, 253, 191]]; // magma's
const OFFSET = 0.01; // added before the logarithm, as in the paper's front end
const [QUIET, LOUD] = [Math.log(OFFSET), 3]; // log-mel values at the ends of the colors

export class Pictures {
  constructor(classifier, canvases) {
    const { frontend, frame_samples: length, frame_hop_samples: hop } = classifier.about;
    Object.assign(this, { classifier, frontend, length, hop, ...canvases });
    this.toLogMel = logMel(frontend, length);
    addEventListener("resize", () => this.show(this.recording, true));
  }

  /** Draws what has changed; of a file's sound nothing does. */
  show(recording, again = false) {
    if (!recording) return;
    if (recording !== this.recording) this.frames = new Map();
    if (again || recording.live || recording !== this.recording) {
      this.recording = recording;
      this.span = recording.live ? recording.keep : recording.samples.length;
      this.#drawWaveform(prepare(this.waveform));
      this.#drawSpectrogram(prepare(this.spectrogram));
    }
    this.#drawScores(prepare(this.scores));
  }

  #drawWaveform({ context, width, height, colors }) {
    const { samples } = this.recording;
    context.fillStyle = colors.accent;
    for (let x = 0; x < width; x++) {
      let [lowest, highest] = [Infinity, -Infinity];
      const end = Math.min(samples.length, Math.ceil(((x + 1) * this.span) / width));
      for (let place = Math.floor((x * this.span) / width); place < end; place++) {
        lowest = Math.min(lowest, samples[place]);
        highest = Math.max(highest, samples[place]);
      }
      if (lowest > highest) return;
      const tall = ((highest - lowest) * height) / 2;
      context.fillRect(x, ((1 - highest) * height) / 2, 1, Math.max(1, tall));
    }
  }

  #drawSpectrogram({ context, width, height }) {
    const { recording, hop, length } = this;
    const bins = this.frontend.mel_bins;
    // At most a frame for each pixel, and always the same ones, which are computed once.
    const stride = Math.max(1, Math.ceil(this.span / hop / width));
    const from = Math.ceil(recording.first / hop / stride) * stride;
    const count = Math.floor(((recording.end - length) / hop - from) / stride) + 1;
    if (count < 1) return;
    for (const frame of this.frames.keys()) if (frame < from) this.frames.delete(frame);
    const image = new ImageData(count, bins);
    for (let column = 0; column < count; column++) {
      const frame = from + column * stride;
      if (!this.frames.has(frame)) this.frames.set(frame, this.toLogMel(recording.window(frame * hop, length)));
      this.frames.get(frame).forEach((value, bin) => {
        const place = 4 * ((bins - 1 - bin) * count + column);
        image.data.set(color((value - QUIET) / (LOUD - QUIET)), place);
      });
    }
    const small = new OffscreenCanvas(count, bins);
    small.getContext("2d").putImageData(image, 0, 0);
    const scale = width / this.span;
    context.drawImage(small, (from * hop - recording.first) * scale, 0, count * stride * hop * scale, height);
  }

  #drawScores({ context, width, height, colors, pixel }) {
    const { recording, classifier } = this;
    const { frontend, frame_hop_samples, hop_samples: hop, labels } = classifier.about;
    const before = (frontend.patch_frames * frame_hop_samples - hop) / 2; // a bar is around the patch's middle
    const peaks = new Float32Array(labels.length);
    for (const { scores } of recording.rows) {
      scores.forEach((score, index) => (peaks[index] = Math.max(peaks[index], score)));
    }
    const row = height / STRIPS;
    context.font = `${13 * pixel}px system-ui, sans-serif`;
    context.textBaseline = "bottom";
    const scale = width / this.span;
    classifier.best(peaks, STRIPS).forEach(({ label, index }, strip) => {
      const [name, bar] = [(strip + 0.6) * row, (strip + 0.62) * row];
      context.fillStyle = colors.text;
      context.fillText(label, 0, name, width);
      context.fillStyle = colors.track;
      context.fillRect(0, bar, width, 0.28 * row);
      context.fillStyle = colors.accent;
      for (const { start, scores } of recording.rows) {
        context.globalAlpha = scores[index];
        const left = start + before - recording.first;
        context.fillRect(left * scale, bar, (Math.min(left + hop, this.span) - left) * scale, 0.28 * row);
      }
      context.globalAlpha = 1;
    });
  }
}

/** An empty canvas as sharp as the screen, and the page's colors. */
function prepare(canvas) {
  const pixel = devicePixelRatio;
  canvas.width = Math.round(canvas.clientWidth * pixel);
  canvas.height = Math.round(canvas.clientHeight * pixel);
  const style = getComputedStyle(canvas);
  const colors = { text: style.color, accent: style.getPropertyValue("--accent"), track: style.getPropertyValue("--track") };
  return { context: canvas.getContext("2d"), width: canvas.width, height: canvas.height, colors, pixel };
}

/** Red, green, blue and opacity of a value, from 0 to 1. */
function color(value) {
  const place = Math.min(Math.max(value, 0), 0.999) * (COLORS.length - 1);
  const below = Math.floor(place);
  const part = place - below;
  return [...COLORS[below].map((channel, index) => channel + part * (COLORS[below + 1][index] - channel)), 255];
}

/**
 * A function of a frame's samples: the logarithms of its mel magnitudes, as the paper has them. It is
 * for people to see. The model computes its own, by conventions of its own.
 */
export function logMel(frontend, length) {
  const { sample_rate: rate, fft_length: size, mel_bins: count } = frontend;
  const hann = Float64Array.from({ length }, (_, index) => 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / length));
  const mel = (hertz) => 1127 * Math.log1p(hertz / 700); // HTK's
  const lowest = mel(frontend.mel_min_hz);
  const step = (mel(frontend.mel_max_hz) - lowest) / (count + 1);
  return (samples) => {
    const bins = new Float64Array(count);
    spectrum(samples.map((sample, index) => sample * hann[index]), size).forEach((magnitude, index) => {
      // Triangles overlap: what lies between two peaks belongs to both, in parts.
      const place = (mel((index * rate) / size) - lowest) / step;
      const below = Math.floor(place);
      if (below >= 1 && below <= count) bins[below - 1] += (1 - place + below) * magnitude;
      if (below >= 0 && below < count) bins[below] += (place - below) * magnitude;
    });
    return bins.map((bin) => Math.log(bin + OFFSET));
  };
}

/** Magnitudes of the Fourier transform of samples, zero-padded to a size that is a power of two. */
function spectrum(samples, size) {
  const [real, imaginary] = transform(samples, 0, 1, size);
  return real.slice(0, size / 2 + 1).map((value, index) => Math.hypot(value, imaginary[index]));
}

/** The transform of every `step`-th sample, from those of the even and of the odd ones. */
function transform(samples, first, step, size) {
  const [real, imaginary] = [new Float64Array(size), new Float64Array(size)];
  if (size === 1) {
    real[0] = samples[first] ?? 0;
    return [real, imaginary];
  }
  const half = size / 2;
  const [evenReal, evenImaginary] = transform(samples, first, 2 * step, half);
  const [oddReal, oddImaginary] = transform(samples, first + step, 2 * step, half);
  for (let index = 0; index < half; index++) {
    const [cosine, sine] = [Math.cos((Math.PI * index) / half), -Math.sin((Math.PI * index) / half)];
    const turnedReal = oddReal[index] * cosine - oddImaginary[index] * sine;
    const turnedImaginary = oddReal[index] * sine + oddImaginary[index] * cosine;
    real[index] = evenReal[index] + turnedReal;
    imaginary[index] = evenImaginary[index] + turnedImaginary;
    real[index + half] = evenReal[index] - turnedReal;
    imaginary[index + half] = evenImaginary[index] - turnedImaginary;
  }
  return [real, imaginary];
}
