// Publishes a MediaStream through WHIP (RFC 9725): one offer with all candidates, one answer, one
// DELETE. `broadcast-page.ts` starts it and shows what comes of it.

/** Candidates that take longer than this are not worth waiting for: hosts gather in milliseconds. */
const gatheringLimitMs = 1_000;
const connectLimitMs = 15_000;
const requestLimitMs = 10_000;
const deleteLimitMs = 3_000;

export type WhipFailure =
  | 'unreachable'
  | 'key-refused'
  | 'busy'
  | 'full'
  | 'refused'
  | 'not-connected';

export class WhipError extends Error {
  readonly failure: WhipFailure;

  /** @param message for people, where the server gave one; else a technical one */
  constructor(failure: WhipFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WhipError';
    this.failure = failure;
  }
}

export interface WhipOptions {
  readonly endpointUrl: string;
  readonly key: string;
  readonly media: MediaStream;
  readonly maxVideoBitrateBps: number;
  /** The connection broke after it was up; the session is closed by then. */
  readonly onLost: () => void;
}

export class WhipSession {
  readonly #connection: RTCPeerConnection;
  readonly #sessionUrl: string;
  readonly #key: string;
  #isClosed = false;

  private constructor(connection: RTCPeerConnection, sessionUrl: string, key: string) {
    this.#connection = connection;
    this.#sessionUrl = sessionUrl;
    this.#key = key;
  }

  /**
   * Resolves when media can flow.
   * @throws WhipError when the server refuses or cannot be reached
   * @throws DOMException `AbortError` when `signal` aborts; nothing is left behind
   */
  static async start(options: WhipOptions, signal: AbortSignal): Promise<WhipSession> {
    const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    let session: WhipSession | null = null;
    try {
      await addTracks(connection, options);
      const offer = await gatherOffer(connection, signal);
      const { answer, sessionUrl } = await postOffer(offer, options, signal);
      session = new WhipSession(connection, sessionUrl, options.key);
      await connection.setRemoteDescription({ type: 'answer', sdp: answer });
      await connected(connection, signal);
      session.#watch(options.onLost);
      return session;
    } catch (cause) {
      if (session === null) connection.close();
      else session.close();
      throw cause;
    }
  }

  /** Statistics of the connection, for bit rate and resolution. */
  getStats(): Promise<RTCStatsReport> {
    return this.#connection.getStats();
  }

  /**
   * Ends the session, also while the page goes away; idempotent. Nothing is sent from now on, but
   * the connection stays until the server has heard of it: a connection that is closed first looks
   * lost to the server (RFC 9725 §4.2: the client deletes the session).
   */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    void this.#end();
  }

  /** Never rejects. */
  async #end(): Promise<void> {
    const deleted = fetch(this.#sessionUrl, {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${this.#key}` },
      keepalive: true,
      signal: AbortSignal.timeout(deleteLimitMs),
    });
    try {
      const senders = this.#connection.getSenders();
      await Promise.all([deleted, ...senders.map((sender) => sender.replaceTrack(null))]);
    } catch (cause) {
      // The server notices the closed connection by itself.
      console.warn('The end of the broadcast could not be announced.', cause);
    } finally {
      this.#connection.close();
    }
  }

  #watch(onLost: () => void): void {
    this.#connection.addEventListener('connectionstatechange', () => {
      if (this.#isClosed || this.#connection.connectionState !== 'failed') return;
      this.close();
      onLost();
    });
  }
}

async function addTracks(connection: RTCPeerConnection, options: WhipOptions): Promise<void> {
  for (const track of options.media.getTracks()) {
    const isVideo = track.kind === 'video';
    const transceiver = connection.addTransceiver(track, {
      direction: 'sendonly',
      streams: [options.media],
      ...(isVideo ? { sendEncodings: [{ maxBitrate: options.maxVideoBitrateBps }] } : {}),
    });
    if (!isVideo) continue;
    preferH264(transceiver);
    await keepResolution(transceiver.sender);
  }
}

/** The ladder is chosen once per broadcast, from the first picture: fewer frames, not smaller ones. */
async function keepResolution(sender: RTCRtpSender): Promise<void> {
  const parameters = sender.getParameters();
  parameters.degradationPreference = 'maintain-resolution';
  await sender.setParameters(parameters);
}

/** H.264 first: many machines encode it in hardware. The others stay as a second choice. */
function preferH264(transceiver: RTCRtpTransceiver): void {
  const codecs = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
  const isH264 = (codec: RTCRtpCodec): boolean => codec.mimeType.toLowerCase() === 'video/h264';
  if (!codecs.some(isH264)) return;
  transceiver.setCodecPreferences([
    ...codecs.filter(isH264),
    ...codecs.filter((codec) => !isH264(codec)),
  ]);
}

/** The offer with the candidates found within `gatheringLimitMs` (RFC 9725 §4.3.2: no trickle). */
async function gatherOffer(connection: RTCPeerConnection, signal: AbortSignal): Promise<string> {
  await connection.setLocalDescription();
  await waitFor(
    connection,
    'icegatheringstatechange',
    () => connection.iceGatheringState === 'complete',
    { limitMs: gatheringLimitMs, signal },
  );
  return connection.localDescription?.sdp ?? '';
}

async function postOffer(
  offer: string,
  { endpointUrl, key }: WhipOptions,
  signal: AbortSignal,
): Promise<{ readonly answer: string; readonly sessionUrl: string }> {
  let response: Response;
  try {
    response = await fetch(endpointUrl, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${key}` },
      body: offer,
      signal: AbortSignal.any([signal, AbortSignal.timeout(requestLimitMs)]),
    });
  } catch (cause) {
    signal.throwIfAborted();
    throw new WhipError('unreachable', 'The server does not answer.', { cause });
  }
  if (response.status !== 201) throw await refusalOf(response);
  const location = response.headers.get('Location');
  if (location === null) throw new WhipError('refused', 'The server named no session.');
  // RFC 9725 §4.2: the Location may be relative to the endpoint.
  return { answer: await response.text(), sessionUrl: new URL(location, endpointUrl).href };
}

async function refusalOf(response: Response): Promise<WhipError> {
  const failures: Readonly<Record<number, WhipFailure>> = {
    401: 'key-refused',
    403: 'key-refused',
    409: 'busy',
    503: 'full',
  };
  const body: unknown = await response.json().catch(() => null);
  const detail = typeof body === 'object' && body !== null ? Reflect.get(body, 'detail') : null;
  const message = typeof detail === 'string' ? detail : `The server answered ${response.status}.`;
  return new WhipError(failures[response.status] ?? 'refused', message);
}

async function connected(connection: RTCPeerConnection, signal: AbortSignal): Promise<void> {
  const isDecided = (): boolean =>
    connection.connectionState === 'connected' || connection.connectionState === 'failed';
  await waitFor(connection, 'connectionstatechange', isDecided, {
    limitMs: connectLimitMs,
    signal,
  });
  if (connection.connectionState !== 'connected') {
    throw new WhipError('not-connected', 'No media connection to the server came about.');
  }
}

/** Resolves when `isDone` holds after an event, or after `limitMs`; rejects when `signal` aborts. */
function waitFor(
  target: EventTarget,
  eventType: string,
  isDone: () => boolean,
  { limitMs, signal }: { readonly limitMs: number; readonly signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    if (isDone()) return resolve();
    const listening = new AbortController();
    const timer = setTimeout(() => finish(resolve), limitMs);
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      listening.abort();
      settle();
    };
    const options = { signal: listening.signal };
    target.addEventListener(eventType, () => isDone() && finish(resolve), options);
    signal.addEventListener('abort', () => finish(() => reject(signal.reason)), options);
  });
}
