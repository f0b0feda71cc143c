// The page to broadcast from: devices, preview, going live and stopping. Puts together capture,
// the WHIP client and the sentences for every state.

import { BroadcastForm } from './broadcast-form.ts';
import { type BroadcastState, connectionLostSentence, failureSentence } from './broadcast-state.ts';
import {
  type CaptureChoice,
  capture,
  listDevices,
  type PictureSource,
  stopCapture,
} from './capture.ts';
import { readPageConfig } from './page-config.ts';
import { readSending, type SendingReading, sendingText } from './sending-rate.ts';
import { rememberKey, takePrefill } from './stream-key.ts';
import { WhipSession } from './whip-client.ts';

const maxVideoBitrateBps = 3_000_000;
const readingIntervalMs = 1_000;

class BroadcastPage {
  readonly #form: BroadcastForm;
  #media: MediaStream | null = null;
  #source: PictureSource = 'camera';
  #session: WhipSession | null = null;
  #attempt: AbortController | null = null;
  #readingTimer: ReturnType<typeof setInterval> | undefined;
  #lastReading: SendingReading | null = null;

  constructor() {
    this.#form = new BroadcastForm(readPageConfig(), takePrefill(), {
      onSource: (source) => void this.#choose(source),
      onDevice: () => void this.#deviceChanged(),
      onStart: () => void this.#start(),
      onStop: () => this.#stop(),
    });
    addEventListener('pagehide', () => this.#stop());
  }

  async #choose(source: PictureSource): Promise<void> {
    this.#source = source;
    try {
      await this.#capture();
    } catch (cause) {
      this.#fail(failureSentence(cause));
    }
  }

  async #deviceChanged(): Promise<void> {
    // A screen would have to be picked again in the browser's own dialog: at the next start.
    if (this.#media !== null && this.#source === 'camera') await this.#choose('camera');
  }

  /** Replaces the picture; the old devices are released first, some cameras open only once. */
  async #capture(): Promise<MediaStream> {
    stopCapture(this.#media);
    this.#media = null;
    this.#form.preview(null, null);
    const choice: CaptureChoice = { source: this.#source, ...this.#form.devices };
    const media = await capture(choice);
    this.#media = media;
    // The browser's own "stop sharing" ends the broadcast.
    media.getVideoTracks()[0]?.addEventListener('ended', () => this.#pictureEnded(media));
    this.#form.preview(media, this.#source);
    this.#form.listDevices(await listDevices('videoinput'), await listDevices('audioinput'), media);
    if (this.#session === null && this.#attempt === null) this.#show('idle');
    return media;
  }

  #pictureEnded(media: MediaStream): void {
    if (media !== this.#media) return;
    this.#stop();
    stopCapture(media);
    this.#media = null;
    this.#form.preview(null, null);
  }

  async #start(): Promise<void> {
    if (this.#attempt !== null || this.#session !== null) return;
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#show('connecting');
    const { stream, key } = this.#form.target;
    rememberKey(key);
    try {
      const media = this.#media ?? (await this.#capture());
      const endpointUrl = new URL(`/whip/${encodeURIComponent(stream)}`, location.href).href;
      const onLost = (): void => this.#lost();
      this.#session = await WhipSession.start(
        { endpointUrl, key, media, maxVideoBitrateBps, onLost },
        attempt.signal,
      );
      this.#attempt = null;
      this.#show('live');
      this.#startReadings(this.#session);
    } catch (cause) {
      // Stopped by the broadcaster: the page is idle already, or tries again.
      if (attempt.signal.aborted) return;
      this.#attempt = null;
      this.#fail(failureSentence(cause));
    }
  }

  #stop(): void {
    if (this.#attempt === null && this.#session === null) return;
    this.#release();
    this.#show('idle');
  }

  #lost(): void {
    this.#release();
    this.#fail(connectionLostSentence);
  }

  #release(): void {
    this.#attempt?.abort();
    this.#attempt = null;
    this.#session?.close();
    this.#session = null;
    clearInterval(this.#readingTimer);
    this.#lastReading = null;
  }

  #startReadings(session: WhipSession): void {
    this.#readingTimer = setInterval(() => void this.#read(session), readingIntervalMs);
  }

  async #read(session: WhipSession): Promise<void> {
    const reading = readSending(await session.getStats());
    if (session !== this.#session) return;
    this.#form.showSending(sendingText(this.#lastReading, reading));
    this.#lastReading = reading;
  }

  #show(state: Exclude<BroadcastState, 'error'>): void {
    this.#form.showState(state);
  }

  #fail(sentence: string): void {
    this.#form.showFailure(sentence);
  }
}

new BroadcastPage();
