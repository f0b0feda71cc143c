// Stands in for `text-decoder`: streams of the tracker client can turn bytes into text, which nothing
// here asks for. The browser's own decoder does it, without the one that streamx brings along.

class NativeTextDecoder {
  readonly #decoder: TextDecoder;

  constructor(encoding: string) {
    this.#decoder = new TextDecoder(encoding);
  }

  push(bytes: Uint8Array): string {
    return this.#decoder.decode(bytes, { stream: true });
  }

  flush(): string {
    return this.#decoder.decode();
  }
}

// The package is a CommonJS module and the class is all of it.
export { NativeTextDecoder as 'module.exports' };
