// Answers GET and HEAD for one resource that is in memory: conditions, ranges and headers, and
// how many of its bytes the socket took. The origin's routes decide what the resource is.

import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { IngestError } from '../errors.ts';
import type { Sha256Hex } from '../protocol/index.ts';
import { parseRange } from './byte-range.ts';
import { type CodedBodies, chooseCoding } from './content-coding.ts';

export interface Resource {
  readonly bytes: Uint8Array;
  readonly digest: Sha256Hex;
  readonly contentType: string;
  readonly cacheControl: string;
  /** Set for text: it is sent compressed to clients that take it. */
  readonly codedBodies?: CodedBodies;
  /** Told of every piece that was handed to the socket; absent for what is not counted. */
  readonly onSent?: (bytes: number) => void;
}

/** Size of the pieces in which the body is written and counted. */
const pieceBytes = 64 * 1024;

/** RFC 9110 §13.1.2: weak comparison, a list or `*`. */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((item) => item.trim().replace(/^W\//, '') === etag);
}

/** Whether the socket took the piece; `false` when it is gone. */
function write(response: ServerResponse, piece: Uint8Array): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const onClose = (): void => resolve(false);
    response.once('close', onClose);
    response.write(piece, (error) => {
      response.removeListener('close', onClose);
      resolve(error == null);
    });
  });
}

/** Writes piece by piece, so that a client that leaves is charged for what it got. */
async function sendBody(
  response: ServerResponse,
  body: Uint8Array,
  onSent: (bytes: number) => void,
): Promise<void> {
  for (let offset = 0; offset < body.length; offset += pieceBytes) {
    const piece = body.subarray(offset, offset + pieceBytes);
    if (!(await write(response, piece))) return;
    onSent(piece.length);
  }
  response.end();
}

/**
 * Sends the resource, a part of it (206) or nothing (304, HEAD).
 * @throws IngestError `range-not-satisfiable`
 */
export async function sendResource(
  request: FastifyRequest,
  reply: FastifyReply,
  resource: Resource,
): Promise<void> {
  const { 'accept-encoding': accepted, range: wantedRange } = request.headers;
  const { codedBodies, digest } = resource;
  // A part of a compressed body is of no use to anybody: ranges are of the plain one.
  const isCodable = codedBodies !== undefined && wantedRange === undefined;
  const coding = isCodable ? chooseCoding(accepted) : null;
  const whole =
    coding === null
      ? resource.bytes
      : (codedBodies?.get(digest, resource.bytes, coding) ?? resource.bytes);
  // RFC 9110 §8.8.3.3: each coding is a representation with a tag of its own.
  const etag = coding === null ? `"${digest}"` : `"${digest}-${coding}"`;
  const sizeBytes = whole.length;
  if (codedBodies !== undefined) reply.header('vary', 'accept-encoding');
  if (coding !== null) reply.header('content-encoding', coding);
  reply.headers({
    etag,
    'cache-control': resource.cacheControl,
    'accept-ranges': 'bytes',
    'content-type': resource.contentType,
  });
  if (matches(request.headers['if-none-match'], etag)) {
    for (const name of ['content-type', 'content-encoding']) reply.removeHeader(name);
    await reply.code(304).send();
    return;
  }
  // RFC 9110 §14.2: Range is for GET alone. §13.1.5: an If-Range that differs means the whole.
  const ifRange = request.headers['if-range'];
  const heedsRange = request.method === 'GET' && (ifRange === undefined || ifRange === etag);
  const wanted = parseRange(heedsRange ? request.headers.range : undefined, sizeBytes);
  if (wanted.kind === 'unsatisfiable') {
    for (const name of ['etag', 'cache-control', 'content-type']) reply.removeHeader(name);
    reply.header('content-range', `bytes */${sizeBytes}`);
    throw new IngestError('range-not-satisfiable', `The resource has ${sizeBytes} bytes.`);
  }
  let body = whole;
  if (wanted.kind === 'part') {
    const { firstByte, lastByte } = wanted.range;
    body = body.subarray(firstByte, lastByte + 1);
    reply.code(206).header('content-range', `bytes ${firstByte}-${lastByte}/${sizeBytes}`);
  }
  reply.header('content-length', body.length);
  // Written past the framework: only the socket itself can say what it took.
  reply.hijack();
  const response = reply.raw;
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) response.setHeader(name, value);
  }
  response.writeHead(reply.statusCode);
  if (request.method === 'HEAD') response.end();
  else await sendBody(response, body, resource.onSent ?? (() => undefined));
}
