// Tells the operator's service what happens to streams and recordings, in order, each message until
// it is taken or given up. The composition root hands events in.

import type { Logger } from 'pino';
import type { RecordingId, StreamId } from '../protocol/index.ts';
import { newMessageId, postSigned, type WebhookTarget } from './signed-request.ts';

export type WebhookEventType =
  | 'stream.started'
  | 'stream.reconnecting'
  | 'stream.resumed'
  | 'stream.ended'
  | 'recording.ready';

export interface WebhookEvent {
  readonly type: WebhookEventType;
  readonly stream: StreamId;
  readonly recording: RecordingId;
  /** Of the live stream, or of the recording. */
  readonly playlistUrl: string;
}

export interface WebhookStatistics {
  readonly deliveredCount: number;
  /** Refused, given up, or dropped because too many were waiting. */
  readonly lostCount: number;
}

export interface WebhookSenderOptions {
  readonly target: WebhookTarget;
  readonly logger: Logger;
  /** Pause after the first failure, doubled with each further one; 1 s by default. */
  readonly firstDelayMs?: number;
}

interface Message {
  readonly id: string;
  readonly type: WebhookEventType;
  readonly body: string;
}

const requestTimeoutMs = 10_000;
const maxQueuedMessages = 1_000;
/** With pauses of 1, 2, 4 … 32 s: a receiver may be away for about a minute. */
const maxTries = 7;
const defaultFirstDelayMs = 1_000;
/** How long a service that stops waits for the rest. */
const drainTimeoutMs = 3_000;

type Outcome = 'taken' | 'refused' | 'failed';

/** RFC 9110 §15.5: the request is at fault and a repeat will not help, but for these two. */
function outcomeOf(status: number): Outcome {
  if (status >= 200 && status < 300) return 'taken';
  const isFinal = status >= 300 && status < 500 && status !== 408 && status !== 429;
  return isFinal ? 'refused' : 'failed';
}

export class WebhookSender {
  readonly #options: WebhookSenderOptions;
  readonly #queue: Message[] = [];
  readonly #closing = new AbortController();
  #running: Promise<void> | null = null;
  #deliveredCount = 0;
  #lostCount = 0;

  constructor(options: WebhookSenderOptions) {
    this.#options = options;
  }

  get statistics(): WebhookStatistics {
    return { deliveredCount: this.#deliveredCount, lostCount: this.#lostCount };
  }

  send(event: WebhookEvent): void {
    if (this.#queue.length >= maxQueuedMessages || this.#closing.signal.aborted) {
      this.#lose(event.type, 'too many wait');
      return;
    }
    const body = JSON.stringify({ ...event, at: new Date().toISOString() });
    this.#queue.push({ id: newMessageId(), type: event.type, body });
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** Waits, for a bounded time, until everything is sent. Idempotent. */
  async close(): Promise<void> {
    const timer = setTimeout(() => this.#closing.abort(), drainTimeoutMs);
    await this.#running;
    clearTimeout(timer);
    this.#closing.abort();
  }

  async #run(): Promise<void> {
    for (let message = this.#queue.shift(); message; message = this.#queue.shift()) {
      const outcome = await this.#deliver(message);
      if (outcome === 'taken') this.#deliveredCount += 1;
      else this.#lose(message.type, outcome);
    }
  }

  async #deliver(message: Message): Promise<Outcome> {
    let delayMs = this.#options.firstDelayMs ?? defaultFirstDelayMs;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#try(message);
      if (outcome !== 'failed' || attempt >= maxTries || this.#closing.signal.aborted) {
        return outcome;
      }
      await this.#pause(delayMs);
      delayMs *= 2;
    }
  }

  async #try(message: Message): Promise<Outcome> {
    const { target, logger } = this.#options;
    const { signal } = this.#closing;
    try {
      const status = await postSigned(target, message, { timeoutMs: requestTimeoutMs, signal });
      return outcomeOf(status);
    } catch (error) {
      logger.debug({ err: error, type: message.type }, 'a webhook was not answered');
      return 'failed';
    }
  }

  #lose(type: WebhookEventType, reason: string): void {
    this.#lostCount += 1;
    this.#options.logger.error({ type, reason }, 'a webhook was lost');
  }

  #pause(delayMs: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', settle);
        resolve();
      };
      const timer = setTimeout(settle, delayMs);
      signal.addEventListener('abort', settle, { once: true });
      if (signal.aborted) settle();
    });
  }
}
