// Passes a request on to the node that has its stream, and that node's answer back. The cluster's
// routes use it; an edge in front caches what comes of it like any other answer.

import { Readable } from 'node:stream';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IngestNode } from './ingest-node.ts';

/** Marks what another node passed on: it is answered by who gets it, so that nothing circles. */
export const forwardedHeader = 'shoal-forwarded';

/** Longer than the origin holds a reload. */
const forwardTimeoutMs = 45_000;
const requestHeaders = [
  ...['accept', 'authorization', 'content-type', 'if-match', 'if-none-match', 'if-range', 'range'],
  ...['origin', 'access-control-request-method', 'access-control-request-headers'],
];
/** Of the connection to the other node, not of its answer. */
const hopHeaders: readonly string[] = ['connection', 'keep-alive', 'transfer-encoding', 'date'];

/**
 * @param body the body when it has been read already
 * @returns whether the node answered; if not, nothing was sent
 */
export async function forwardRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  node: IngestNode,
  body?: string,
): Promise<boolean> {
  const headers: Record<string, string> = {
    [forwardedHeader]: '1',
    'accept-encoding': 'identity',
    'x-forwarded-for': request.ip,
  };
  for (const name of requestHeaders) {
    const value = request.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  let response: Response;
  try {
    response = await fetch(`${node.url}${request.url}`, {
      method: request.method,
      headers,
      redirect: 'manual',
      signal: AbortSignal.any([gone.signal, AbortSignal.timeout(forwardTimeoutMs)]),
      ...(body === undefined ? {} : { body }),
    });
  } catch {
    return gone.signal.aborted;
  }
  reply.code(response.status);
  for (const [name, value] of response.headers) {
    if (!hopHeaders.includes(name)) reply.header(name, value);
  }
  if (response.body === null) await reply.send();
  // The type of the web's stream and Node's differ in name only.
  else await reply.send(Readable.fromWeb(response.body as NodeReadableStream));
  return true;
}
