// Requests that came to the wrong node of a cluster: publishers are sent or passed on to the node
// that has their stream or has room, viewers get their playlists and segments through this one.

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { IngestError } from '../errors.ts';
import { parseStreamId, type StreamId, type StreamList } from '../protocol/index.ts';
import { forwardedHeader, forwardRequest } from './forward-request.ts';
import { type IngestNode, roomiest } from './ingest-node.ts';
import type { LeaseRegistry } from './lease-registry.ts';

export interface ClusterOptions {
  readonly registry: LeaseRegistry;
  /** Whether this node has a running broadcast or a session of the stream. */
  readonly isActive: (stream: StreamId) => boolean;
  /** Whether one more publisher would find no room here. */
  readonly isFull: () => boolean;
  /** The stream came from another node: go on after what that one has left in the store. */
  readonly adopt: (stream: StreamId) => Promise<void>;
}

const publishPath = '/whip/:stream';
const sessionPath = /^\/whip\/([^/?]+)\/sessions\//;
const livePath = /^\/live\/([^/?]+)\//;
const listPath = '/api/v1/streams';
const listTimeoutMs = 2_000;

function isForwarded(request: FastifyRequest): boolean {
  return request.headers[forwardedHeader] !== undefined;
}

/** Call it before the routes are registered: hooks are for the routes that follow. */
export function registerCluster(app: FastifyInstance, options: ClusterOptions): void {
  app.addHook<{ Params: { stream?: string } }>('preHandler', async (request, reply) => {
    if (request.method !== 'POST' || request.routeOptions.url !== publishPath) return;
    const stream = parseStreamId(request.params.stream ?? '');
    if (stream !== null) await placePublisher(options, stream, request, reply);
  });
  app.addHook('onRequest', async (request, reply) => {
    if (isForwarded(request)) return;
    const text = sessionPath.exec(request.url)?.[1] ?? livePath.exec(request.url)?.[1];
    const stream = text === undefined ? null : parseStreamId(text);
    if (stream === null || options.isActive(stream)) return;
    await passOn(options, stream, request, reply);
  });
  app.addHook('preSerialization', async (request, _reply, payload: unknown) => {
    if (request.routeOptions.url !== listPath || isForwarded(request)) return payload;
    return isStreamList(payload) ? await withOtherNodes(options.registry, payload) : payload;
  });
}

async function placePublisher(
  { registry, isFull, isActive, adopt }: ClusterOptions,
  stream: StreamId,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (!isForwarded(request) && isFull() && !isActive(stream)) {
    const place = await registry.placeOf(stream);
    const node = place.kind === 'elsewhere' ? place.node : roomiest(await registry.otherNodes());
    if (node !== null) return sendElsewhere(request, reply, node, stream);
  }
  const outcome = await registry.claim(stream);
  if (!outcome.isOurs) {
    if (isForwarded(request)) {
      throw new IngestError('stream-busy', 'Another node has this stream; try again in a moment.');
    }
    return sendElsewhere(request, reply, outcome.node, stream);
  }
  if (outcome.isNew && !isActive(stream)) await adopt(stream);
}

/** RFC 9725 §4.5: 307 where publishers can reach the node by itself. */
async function sendElsewhere(
  request: FastifyRequest,
  reply: FastifyReply,
  node: IngestNode,
  stream: StreamId,
): Promise<void> {
  if (node.publicUrl !== null) {
    await reply.code(307).header('Location', `${node.publicUrl}/whip/${stream}`).send();
    return;
  }
  const body = typeof request.body === 'string' ? request.body : '';
  if (await forwardRequest(request, reply, node, body)) return;
  throw new IngestError('registry-unavailable', 'The node of this stream does not answer.');
}

async function passOn(
  { registry }: ClusterOptions,
  stream: StreamId,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const place = await registry.placeOf(stream);
  if (place.kind === 'elsewhere') {
    const body = request.method === 'PATCH' ? await bodyOf(request) : undefined;
    if (await forwardRequest(request, reply, place.node, body)) return;
  }
  const isLost = place.kind === 'elsewhere' || place.kind === 'interrupted';
  // Segments may be in the store that the nodes share; playlists were in the memory of that node.
  if (isLost && request.url.split('?')[0]?.endsWith('.m3u8')) {
    reply.header('Retry-After', '1').header('access-control-allow-origin', '*');
    const message = `'${stream}' is changing its server; try again in a moment.`;
    throw new IngestError('stream-interrupted', message);
  }
}

/** RFC 8840 fragments are some lines; more is refused by the node that gets it. */
const maxForwardedBodyBytes = 64 * 1024;

async function bodyOf(request: FastifyRequest): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request.raw) {
    const bytes = Buffer.from(chunk);
    sizeBytes += bytes.length;
    if (sizeBytes > maxForwardedBodyBytes) {
      throw new IngestError('body-too-large', `Send at most ${maxForwardedBodyBytes} bytes.`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}

function isStreamList(value: unknown): value is StreamList {
  return typeof value === 'object' && value !== null && 'streams' in value && 'recordings' in value;
}

/** One list of all nodes: a stream counts where it is live, a recording once. */
async function withOtherNodes(registry: LeaseRegistry, own: StreamList): Promise<StreamList> {
  const lists = await Promise.all((await registry.otherNodes()).map(listOf));
  const streams = new Map(own.streams.map((stream) => [stream.id, stream]));
  const recordings = new Map(own.recordings.map((item) => [`${item.stream}/${item.id}`, item]));
  for (const list of lists) {
    for (const stream of list?.streams ?? []) {
      const known = streams.get(stream.id);
      if (known === undefined || (known.state === 'ended' && known.startedAt < stream.startedAt)) {
        streams.set(stream.id, stream);
      }
    }
    for (const item of list?.recordings ?? []) recordings.set(`${item.stream}/${item.id}`, item);
  }
  const byTime = [...recordings.values()].toSorted((a, b) =>
    a.startedAt.localeCompare(b.startedAt),
  );
  return { streams: [...streams.values()], recordings: byTime };
}

/** `null` from a node that does not answer: its part is missing, the rest is still right. */
async function listOf(node: IngestNode): Promise<StreamList | null> {
  try {
    const response = await fetch(`${node.url}${listPath}`, {
      headers: { [forwardedHeader]: '1' },
      signal: AbortSignal.timeout(listTimeoutMs),
    });
    const list: unknown = await response.json();
    return isStreamList(list) ? list : null;
  } catch {
    return null;
  }
}
