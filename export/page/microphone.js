// Runs in the audio thread, where modules of the page cannot: hands the microphone's sound over.

const BLOCK = 2048; // samples, 0.13 s at 16 kHz: a few messages a second

class Microphone extends AudioWorkletProcessor {
  #block = new Float32Array(BLOCK);
  #filled = 0;

  process([[channel]]) {
    if (!channel) return true; // nothing is connected yet
    // A call brings 128 samples, of which blocks are a multiple.
    this.#block.set(channel, this.#filled);
    this.#filled += channel.length;
    if (this.#filled === BLOCK) {
      this.port.postMessage(this.#block.slice());
      this.#filled = 0;
    }
    return true;
  }
}

registerProcessor("microphone", Microphone);
