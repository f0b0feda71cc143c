// Lines of CDN access logs as what they say about media: when, which stream, how many bytes. Pure; the
// log command reads files with it and holds the sums against what viewers report.

import { parseStreamId, type StreamId } from '@shoal/ingest/protocol';
import { z } from 'zod';

export type CdnLogFormat = 'nginx' | 'cloudflare' | 'cloudfront';

export const cdnLogFormats: readonly CdnLogFormat[] = ['nginx', 'cloudflare', 'cloudfront'];

export interface MediaTransfer {
  readonly atMs: number;
  readonly stream: StreamId;
  /** Bytes to the client; CloudFront and Cloudflare count their headers too. */
  readonly bytes: number;
}

/** `other`: a request, but not for media. */
export type ParsedLine = MediaTransfer | 'other' | 'comment' | 'unreadable';

interface Request {
  readonly atMs: number;
  readonly path: string;
  readonly bytes: number;
}

type LineParser = (line: string) => Request | 'comment' | null;

/** A parser for the lines of one file, in order: CloudFront names its columns at the top. */
export function createLineParser(format: CdnLogFormat): (line: string) => ParsedLine {
  const parse: LineParser = { nginx, cloudflare, cloudfront: createCloudfront() }[format];
  return (line) => {
    if (line.trim() === '') return 'comment';
    const request = parse(line);
    if (request === null || request === 'comment') return request ?? 'unreadable';
    const { atMs, path, bytes } = request;
    if (!Number.isFinite(atMs) || !Number.isSafeInteger(bytes) || bytes < 0) return 'unreadable';
    const stream = streamOfMedia(path);
    return stream === null ? 'other' : { atMs, stream, bytes };
  };
}

/** Segments and init sections are media, playlists are not. */
function streamOfMedia(path: string): StreamId | null {
  const match = /\/(?:live|vod)\/([^/?]+)\/[^?]+\.(?:m4s|mp4)(?:$|\?)/.exec(path);
  return match?.[1] === undefined ? null : parseStreamId(match[1]);
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The `combined` format: `… [22/Nov/2026:10:15:30 +0000] "GET /path HTTP/1.1" 200 12345 …`. */
const combined =
  /\[(\d\d)\/(\w{3})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)\] "[A-Z]+ (\S+) [^"]*" \d{3} (\d+)/;

function nginx(line: string): Request | null {
  const match = combined.exec(line);
  if (match === null) return null;
  const [, day, month = '', year, time, offsetHours, offsetMinutes, path = '', bytes] = match;
  const monthNumber = String(months.indexOf(month) + 1).padStart(2, '0');
  return {
    atMs: Date.parse(`${year}-${monthNumber}-${day}T${time}${offsetHours}:${offsetMinutes}`),
    path,
    bytes: Number(bytes),
  };
}

/** Logpush: one JSON object per line; times as RFC 3339, or as Unix seconds or nanoseconds. */
const cloudflareLine = z.object({
  EdgeStartTimestamp: z.union([z.string(), z.number()]),
  ClientRequestURI: z.string().optional(),
  ClientRequestPath: z.string().optional(),
  EdgeResponseBytes: z.number(),
});

function cloudflare(line: string): Request | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  const { success, data } = cloudflareLine.safeParse(value);
  if (!success) return null;
  const { EdgeStartTimestamp: time } = data;
  return {
    atMs: typeof time === 'string' ? Date.parse(time) : time > 1e15 ? time / 1e6 : time * 1_000,
    path: data.ClientRequestURI ?? data.ClientRequestPath ?? '',
    bytes: data.EdgeResponseBytes,
  };
}

/** Standard logs: columns between tabs; a `#Fields:` line says which, else the documented order. */
function createCloudfront(): LineParser {
  let columns = [
    'date',
    'time',
    'x-edge-location',
    'sc-bytes',
    'c-ip',
    'cs-method',
    'cs(Host)',
    'cs-uri-stem',
  ];
  return (line) => {
    if (line.startsWith('#')) {
      const named = /^#Fields:\s*(.+)$/.exec(line)?.[1];
      if (named !== undefined) columns = named.trim().split(/\s+/);
      return 'comment';
    }
    const cells = line.split('\t');
    const cell = (name: string): string | undefined => cells[columns.indexOf(name)];
    const [date, time, path, bytes] = ['date', 'time', 'cs-uri-stem', 'sc-bytes'].map(cell);
    if (date === undefined || time === undefined || path === undefined || bytes === undefined) {
      return null;
    }
    return { atMs: Date.parse(`${date}T${time}Z`), path, bytes: Number(bytes) };
  };
}
