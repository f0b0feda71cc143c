// The origin's objects in a bucket of an S3-compatible service, each request signed (SigV4). The
// spooled store stands before it, so that a bucket which is slow or away holds nobody up.

import { createHash } from 'node:crypto';
import { AwsClient } from 'aws4fetch';
import { IngestError } from '../errors.ts';
import {
  assertKeyPrefix,
  assertObjectKey,
  type ByteRange,
  type OriginStore,
} from './origin-store.ts';

export interface S3StoreOptions {
  /** URL of the service; the bucket is the first part of the path behind it. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Must exist. */
  readonly bucket: string;
  /** Before every key, without slashes at its ends; may be empty. */
  readonly prefix: string;
  /** Keys of one page of a list, 1000 by default and at most. */
  readonly pageKeys?: number;
}

const requestTimeoutMs = 20_000;
/** Tries of one request, with growing pauses; what must not be lost is tried again by the caller. */
const maxTries = 3;
const firstRetryDelayMs = 150;
/** S3 API, ListObjectsV2. */
const maxPageKeys = 1_000;
const deletionsAtOnce = 8;

const contentTypes: Readonly<Record<string, string>> = {
  m4s: 'video/iso.segment',
  mp4: 'video/mp4',
  m3u8: 'application/vnd.apple.mpegurl',
  json: 'application/json',
};

/** Headers that a CDN which reads the bucket itself passes on. */
function headersOf(key: string): Record<string, string> {
  const ending = key.slice(key.lastIndexOf('.') + 1);
  const contentType = contentTypes[ending] ?? 'application/octet-stream';
  const isMedia = ending === 'm4s' || ending === 'mp4';
  return {
    'content-type': contentType,
    'cache-control': isMedia ? 'public, max-age=31536000, immutable' : 'no-cache',
  };
}

function unavailable(detail: string, cause?: unknown): IngestError {
  const message = `The bucket does not answer as expected (${detail}); look at SHOAL_S3_*.`;
  return new IngestError('store-unavailable', message, { cause });
}

/** The text of every element of this name; keys and tokens hold no character that XML escapes. */
function elementsOf(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(
    ([, text = '']) => text,
  );
}

export class S3Store implements OriginStore {
  readonly #client: AwsClient;
  readonly #bucketUrl: string;
  readonly #keyPrefix: string;
  readonly #pageKeys: number;

  constructor(options: S3StoreOptions) {
    const { endpoint, region, accessKey, secretKey, bucket, prefix } = options;
    this.#client = new AwsClient({
      ...{ accessKeyId: accessKey, secretAccessKey: secretKey, service: 's3', region },
      retries: 0,
    });
    this.#bucketUrl = `${endpoint.replace(/\/+$/, '')}/${bucket}`;
    this.#pageKeys = options.pageKeys ?? maxPageKeys;
    this.#keyPrefix = prefix === '' ? '' : `${prefix}/`;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    const url = this.#urlOf(key);
    // Signed with its digest: the service refuses a body that was damaged on the way.
    const digest = createHash('sha256').update(bytes).digest('hex');
    const headers = { ...headersOf(key), 'x-amz-content-sha256': digest };
    const body = Uint8Array.from(bytes);
    const response = await this.#request(url, { method: 'PUT', headers, body });
    if (!response.ok) throw unavailable(`PUT gave ${response.status}`);
  }

  async get(key: string, range?: ByteRange): Promise<Uint8Array | null> {
    const headers: Record<string, string> =
      range === undefined ? {} : { range: `bytes=${range.firstByte}-${range.lastByte}` };
    const response = await this.#request(this.#urlOf(key), { method: 'GET', headers });
    if (response.status === 404) return null;
    if (!response.ok) throw unavailable(`GET gave ${response.status}`);
    return response.body;
  }

  async size(key: string): Promise<number | null> {
    const response = await this.#request(this.#urlOf(key), { method: 'HEAD' });
    if (response.status === 404) return null;
    const length = response.headers.get('content-length');
    if (!response.ok || length === null) throw unavailable(`HEAD gave ${response.status}`);
    return Number(length);
  }

  async list(prefix: string): Promise<readonly string[]> {
    assertKeyPrefix(prefix);
    const keys: string[] = [];
    let token: string | undefined;
    do {
      const page = await this.#listPage(`${this.#keyPrefix}${prefix}`, token);
      keys.push(...elementsOf(page, 'Key').map((key) => key.slice(this.#keyPrefix.length)));
      token = elementsOf(page, 'NextContinuationToken')[0];
    } while (token !== undefined);
    return keys.toSorted();
  }

  async delete(key: string): Promise<void> {
    const response = await this.#request(this.#urlOf(key), { method: 'DELETE' });
    if (!response.ok && response.status !== 404) {
      throw unavailable(`DELETE gave ${response.status}`);
    }
  }

  /** One by one: DeleteObjects needs a digest that not every service computes alike. */
  async deleteAll(prefix: string): Promise<void> {
    if (prefix === '') throw new RangeError('name what to delete');
    const keys = [...(await this.list(prefix))];
    const workers = Array.from({ length: deletionsAtOnce }, async () => {
      for (let key = keys.pop(); key !== undefined; key = keys.pop()) await this.delete(key);
    });
    await Promise.all(workers);
  }

  /** Nothing is kept open. */
  async close(): Promise<void> {}

  #urlOf(key: string): string {
    assertObjectKey(key);
    return `${this.#bucketUrl}/${this.#keyPrefix}${key}`;
  }

  async #listPage(prefix: string, token: string | undefined): Promise<string> {
    const url = new URL(this.#bucketUrl);
    url.searchParams.set('list-type', '2');
    url.searchParams.set('max-keys', String(this.#pageKeys));
    url.searchParams.set('prefix', prefix);
    if (token !== undefined) url.searchParams.set('continuation-token', token);
    const response = await this.#request(url.href, { method: 'GET' });
    if (!response.ok) throw unavailable(`the list gave ${response.status}`);
    return new TextDecoder().decode(response.body);
  }

  /** @throws IngestError `store-unavailable` when no try gave an answer */
  async #request(url: string, init: S3Request): Promise<S3Response> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const signal = AbortSignal.timeout(requestTimeoutMs);
        const response = await this.#client.fetch(url, { ...init, signal });
        const body = new Uint8Array(await response.arrayBuffer());
        const isTransient = response.status >= 500 || response.status === 429;
        if (!isTransient || attempt >= maxTries) {
          return { ok: response.ok, status: response.status, headers: response.headers, body };
        }
      } catch (error) {
        if (attempt >= maxTries) throw unavailable('no connection', error);
      }
      const delayMs = firstRetryDelayMs * 3 ** (attempt - 1) * (0.5 + Math.random());
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }
}

interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array<ArrayBuffer>;
}

interface S3Response {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}
