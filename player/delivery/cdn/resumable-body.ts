// A body that is read over one or more responses: where a connection broke, the next one goes on by
// a range. Used by the CDN fetcher for whole resources; ranges of pieces are short enough without.

/** A body that grows past this is no segment of ours. */
const maxBodyBytes = 64 * 1024 * 1024;
/** A connection that breaks again and again is given up. */
const maxResumes = 2;
/** Less than this is sooner fetched anew. */
const leastResumedBytes = 16 * 1024;

export class ResumableBody {
  #chunks: Uint8Array[] = [];
  #sizeBytes = 0;
  #totalBytes: number | null = null;
  #etag: string | null = null;
  #resumes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** `init` with the range of what is missing. */
  requestInit(init: RequestInit): RequestInit {
    if (this.#sizeBytes === 0) return init;
    // A simple range needs no preflight (Fetch §2.2.2); If-Range would, so the ETag is compared here.
    const headers = { ...Object.fromEntries(new Headers(init.headers)) };
    return { ...init, headers: { ...headers, range: `bytes=${this.#sizeBytes}-` } };
  }

  /**
   * Reads on; `true` when the body is complete, `false` when the rest is to be asked for.
   * @throws what broke the connection, when it is not worth going on
   */
  async read(response: Response, init: RequestInit, signal: AbortSignal): Promise<boolean> {
    if (!this.#begin(response)) {
      await response.body?.cancel();
      if (this.#resumes >= maxResumes) throw new Error('the file has changed while it was read');
      this.#resumes += 1;
      return false;
    }
    try {
      const reader = response.body?.getReader();
      for (;;) {
        const part = await reader?.read();
        if (!part || part.done) break;
        this.#sizeBytes += part.value.byteLength;
        if (this.#sizeBytes > maxBodyBytes)
          throw new RangeError(`the body is larger than ${maxBodyBytes} bytes`);
        this.#chunks.push(part.value);
      }
    } catch (error) {
      if (error instanceof RangeError || !this.#canResume(init, signal)) throw error;
      this.#resumes += 1;
      return false;
    }
    // Behind HTTP/2 some proxies end a body early without an error.
    const isShort = this.#totalBytes !== null && this.#sizeBytes < this.#totalBytes;
    if (!isShort || !this.#canResume(init, signal)) return true;
    this.#resumes += 1;
    return false;
  }

  take(): ArrayBuffer {
    const bytes = new Uint8Array(this.#sizeBytes);
    let offset = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, offset);
      offset += chunk.byteLength;
    }
    return bytes.buffer;
  }

  /** A whole response begins the body anew; `false` for a part that does not belong to it. */
  #begin(response: Response): boolean {
    const etag = response.headers.get('etag');
    const contentRange = response.headers.get('content-range');
    const from = /^bytes (\d+)-/.exec(contentRange ?? '')?.[1];
    // Content-Range is often hidden from pages of another origin: then 206 is believed.
    const isRest =
      this.#sizeBytes > 0 &&
      response.status === 206 &&
      (from === undefined || Number(from) === this.#sizeBytes) &&
      (etag === null || this.#etag === null || etag === this.#etag);
    if (isRest) return true;
    const isStrayPart = this.#sizeBytes > 0 && response.status === 206;
    this.#chunks = [];
    this.#sizeBytes = 0;
    if (isStrayPart) return false;
    this.#etag = etag;
    const isEncoded = response.headers.has('content-encoding');
    const length = Number(response.headers.get('content-length') ?? Number.NaN);
    this.#totalBytes = !isEncoded && response.status === 200 && length > 0 ? length : null;
    return true;
  }

  #canResume(init: RequestInit, signal: AbortSignal): boolean {
    if (signal.aborted || this.#resumes >= maxResumes) return false;
    if (new Headers(init.headers).has('range')) return false;
    return this.#sizeBytes >= leastResumedBytes && this.#totalBytes !== null;
  }
}
