// The publisher's side of WHIP over HTTP (RFC 9725): offer in, answer and session URL out,
// DELETE at the end. The synthetic broadcaster brings the connection, ingest is the server.

export interface WhipPublishOptions {
  readonly whipUrl: string;
  readonly key: string;
  /** SDP offer with all candidates. */
  readonly offerSdp: string;
}

/** The server refused, with what it said about it. */
export class WhipError extends Error {
  /** HTTP status. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'WhipError';
    this.status = status;
  }
}

const maxBodySizeBytes = 64 * 1024;
const requestTimeoutMs = 10_000;
const deleteTimeoutMs = 3_000;

/** One WHIP session, from the answer on. */
export class WhipSession {
  readonly sessionUrl: string;
  readonly answerSdp: string;
  readonly #key: string;

  private constructor(sessionUrl: string, answerSdp: string, key: string) {
    this.sessionUrl = sessionUrl;
    this.answerSdp = answerSdp;
    this.#key = key;
  }

  /** @throws WhipError when the server refuses; what fetch throws when it does not answer */
  static async publish(options: WhipPublishOptions, signal?: AbortSignal): Promise<WhipSession> {
    const timeout = AbortSignal.timeout(requestTimeoutMs);
    const response = await fetch(options.whipUrl, {
      method: 'POST',
      headers: { authorization: `Bearer ${options.key}`, 'content-type': 'application/sdp' },
      body: options.offerSdp,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const body = await readText(response);
    if (response.status !== 201) {
      throw new WhipError(response.status, refusalMessage(response.status, body));
    }
    const location = response.headers.get('location');
    if (location === null) throw new WhipError(201, 'The answer names no session (Location).');
    // RFC 9725 §4.2: a relative Location is resolved against the WHIP endpoint.
    const sessionUrl = new URL(location, response.url).href;
    return new WhipSession(sessionUrl, body, options.key);
  }

  /** Ends the session on the server; a session that is gone already counts as ended. */
  async delete(): Promise<void> {
    const response = await fetch(this.sessionUrl, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${this.#key}` },
      signal: AbortSignal.timeout(deleteTimeoutMs),
    });
    const body = await readText(response);
    if (!response.ok && response.status !== 404) {
      throw new WhipError(response.status, refusalMessage(response.status, body));
    }
  }
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let sizeBytes = 0;
  const chunks: AsyncIterable<Uint8Array> | readonly Uint8Array[] = response.body ?? [];
  for await (const chunk of chunks) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBodySizeBytes) {
      throw new WhipError(response.status, `The answer is larger than ${maxBodySizeBytes} bytes.`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

/** The title and detail of a problem document (RFC 9457), else the bare status. */
function refusalMessage(status: number, body: string): string {
  const sentences: string[] = [];
  try {
    const problem: unknown = JSON.parse(body);
    if (typeof problem === 'object' && problem !== null) {
      if ('title' in problem && typeof problem.title === 'string') sentences.push(problem.title);
      if ('detail' in problem && typeof problem.detail === 'string') sentences.push(problem.detail);
    }
  } catch {
    // Not JSON: a proxy answered, and the status is all that is known.
  }
  return `The WHIP endpoint answered ${status}. ${sentences.join(' ')}`.trim();
}
