// The environment of every service: one table that is the schema, the defaults and, through the
// generated table in the README, the documentation. Pure: text in, typed values or problems out.

import { z } from 'zod';
import { parseStreamId, type StreamId } from './protocol/index.ts';

/** One rung of the ladder as configured, before it is fitted to the source. */
export interface LadderRung {
  readonly name: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly videoBitrateBps: number;
  readonly audioBitrateBps: number;
  /**
   * The publisher's own H.264, not encoded again. Size and bit rate are then those of the encoding
   * that takes its place where the source cannot be passed through.
   */
  readonly isSource?: boolean;
}

/** An inclusive range of UDP ports. */
export interface PortRange {
  readonly firstPort: number;
  readonly lastPort: number;
}

/** Where the origin keeps its objects. */
export type OriginStoreSetting = 'disk' | 'memory' | BucketLocation;

export interface BucketLocation {
  readonly bucket: string;
  /** Before every key, without slashes at its ends; may be empty. */
  readonly prefix: string;
}

const ladderPresets: Readonly<Record<string, Omit<LadderRung, 'name'>>> = {
  source: {
    ...{ widthPx: 1920, heightPx: 1080, videoBitrateBps: 4_500_000, audioBitrateBps: 128_000 },
    isSource: true,
  },
  '1080p': { widthPx: 1920, heightPx: 1080, videoBitrateBps: 4_500_000, audioBitrateBps: 128_000 },
  '720p': { widthPx: 1280, heightPx: 720, videoBitrateBps: 2_500_000, audioBitrateBps: 128_000 },
  '480p': { widthPx: 854, heightPx: 480, videoBitrateBps: 1_200_000, audioBitrateBps: 128_000 },
  '360p': { widthPx: 640, heightPx: 360, videoBitrateBps: 700_000, audioBitrateBps: 96_000 },
  '240p': { widthPx: 426, heightPx: 240, videoBitrateBps: 350_000, audioBitrateBps: 64_000 },
};

const port = z.coerce.number().int().min(0).max(65_535);
const httpUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));
const trackerUrl = z
  .url({ protocol: /^(https?|wss?)$/ })
  .transform((url) => url.replace(/\/+$/, ''));
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

const streamKeys = list.transform((items, context) => {
  const keys = new Map<StreamId, string>();
  for (const item of items) {
    const colon = item.indexOf(':');
    const stream = parseStreamId(item.slice(0, Math.max(0, colon)));
    const key = item.slice(colon + 1);
    if (stream === null || key === '') {
      context.addIssue({ code: 'custom', message: 'write stream:key,stream:key' });
      return z.NEVER;
    }
    keys.set(stream, key);
  }
  return keys;
});

/** Of the rendition that is the sound alone; no rung can have it. */
export const soundRenditionName = 'audio';

const rungPattern = /^([a-z0-9][a-z0-9_-]{0,31}):(\d+)x(\d+):(\d+):(\d+)$/;

const ladder = list.transform((items, context): LadderRung[] => {
  const rungs: LadderRung[] = [];
  for (const item of items) {
    const preset = ladderPresets[item];
    const custom = rungPattern.exec(item);
    if (preset) rungs.push({ name: item, ...preset });
    else if (custom) {
      const [, name = '', width, height, video, audio] = custom;
      rungs.push({
        name,
        widthPx: Number(width),
        heightPx: Number(height),
        videoBitrateBps: Number(video),
        audioBitrateBps: Number(audio),
      });
    } else {
      const presets = Object.keys(ladderPresets).join(', ');
      context.addIssue({
        code: 'custom',
        message: `'${item}' is neither ${presets} nor name:WIDTHxHEIGHT:video bit/s:audio bit/s`,
      });
      return z.NEVER;
    }
  }
  if (rungs.some(({ name }) => name === soundRenditionName)) {
    const message = `'${soundRenditionName}' is the name of the sound; choose another`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  }
  if (
    rungs.length === 0 ||
    rungs.length > 6 ||
    new Set(rungs.map((rung) => rung.name)).size !== rungs.length
  ) {
    context.addIssue({ code: 'custom', message: 'name one to six different renditions' });
    return z.NEVER;
  }
  return rungs;
});

const bucketPattern =
  /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([a-z0-9][a-z0-9._/-]*?)?\/?)?$/;

const originStore = z.string().transform((text, context): OriginStoreSetting => {
  if (text === 'disk' || text === 'memory') return text;
  const [, bucket, prefix = ''] = bucketPattern.exec(text) ?? [];
  if (bucket !== undefined && !prefix.includes('//')) return { bucket, prefix };
  context.addIssue({ code: 'custom', message: 'write disk, memory or s3://bucket/prefix' });
  return z.NEVER;
});

const jsonObject = z.string().transform((text, context): object => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below, for every kind of wrong text.
  }
  context.addIssue({ code: 'custom', message: 'write a JSON object' });
  return z.NEVER;
});

const portRange = z.string().transform((text, context): PortRange => {
  const match = /^(\d+)-(\d+)$/.exec(text);
  const range = { firstPort: Number(match?.[1]), lastPort: Number(match?.[2]) };
  if (
    !match ||
    range.firstPort < 1024 ||
    range.lastPort > 65_535 ||
    range.firstPort > range.lastPort
  ) {
    context.addIssue({
      code: 'custom',
      message: 'write first-last with 1024 ≤ first ≤ last ≤ 65535',
    });
    return z.NEVER;
  }
  return range;
});

interface Variable {
  readonly schema: z.ZodType;
  /** Text used when the variable is absent; `undefined` means that the value is then `undefined`. */
  readonly defaultText?: string;
  readonly defaultLabel?: string;
  readonly meaning: string;
}

/** Every variable that a Shoal service reads. */
export const environmentVariables = {
  SHOAL_HOST: { schema: z.string().min(1), defaultText: '127.0.0.1', meaning: 'Listen address.' },
  SHOAL_INGEST_PORT: {
    schema: port,
    defaultText: '8080',
    meaning: 'Port of ingest, origin and pages; `0` picks a free one, printed at the start.',
  },
  SHOAL_TRACKER_PORT: {
    schema: port,
    defaultText: '8090',
    meaning:
      'Port of tracker, telemetry and dashboard; `0` picks a free one, printed at the start.',
  },
  SHOAL_PUBLIC_INGEST_URL: {
    schema: httpUrl,
    defaultLabel: 'derived',
    meaning: 'URL of ingest and origin as clients see it, behind a proxy or CDN.',
  },
  SHOAL_PUBLIC_TRACKER_URL: {
    schema: trackerUrl,
    defaultLabel: 'derived',
    meaning: 'URL of the tracker as clients see it (`http`, `https`, `ws` or `wss`).',
  },
  SHOAL_STREAM_KEYS: {
    schema: streamKeys,
    defaultText: '',
    defaultLabel: 'none',
    meaning:
      'Who may publish: `stream:key,stream:key`. With none, a random key for stream `demo` is made and printed once, and no other stream can be published.',
  },
  SHOAL_DATA_DIR: {
    schema: z.string().min(1),
    defaultText: './data',
    meaning: 'Directory for segments, recordings and the telemetry database.',
  },
  SHOAL_FFMPEG_PATH: {
    schema: z.string().min(1),
    defaultLabel: 'resolved',
    meaning:
      'ffmpeg to use. Else ffmpeg-static, else `ffmpeg` on the PATH, else the one that npm ships; each must answer `-version` and have libx264 and aac.',
  },
  SHOAL_LADDER: {
    schema: ladder,
    defaultText: '720p,480p,360p',
    meaning:
      'Renditions: presets `1080p`, `720p`, `480p`, `360p`, `240p`, or `name:WIDTHxHEIGHT:video bit/s:audio bit/s`. What is larger than the source is left out. All share one sound, at the best of their rates. `source` is the publisher’s own H.264, not encoded again (docs/ingest.md). Below 720 lines, sources of more than 30 pictures a second are halved.',
  },
  SHOAL_SEGMENT_SECONDS: {
    schema: z.coerce.number().min(1).max(10),
    defaultText: '2',
    meaning: 'Target duration of a segment in seconds, 1 to 10.',
  },
  SHOAL_DVR_SECONDS: {
    schema: z.coerce.number().min(10).max(86_400),
    defaultText: '60',
    meaning: 'Length of the sliding live window in seconds.',
  },
  SHOAL_RECONNECT_SECONDS: {
    schema: z.coerce.number().min(0).max(3_600),
    defaultText: '30',
    meaning:
      'How long a publisher that vanished without a goodbye may stay away and still go on with its broadcast; `0` ends it at once.',
  },
  SHOAL_ORIGIN_STORE: {
    schema: originStore,
    defaultText: 'disk',
    meaning:
      '`disk` keeps segments under the data directory; `memory` keeps those of the live window only, without recordings; `s3://bucket/prefix` keeps them in a bucket that exists, by way of a spool in the data directory.',
  },
  SHOAL_S3_ENDPOINT: {
    schema: httpUrl,
    defaultText: 'https://s3.amazonaws.com',
    meaning: 'URL of the S3 service; buckets are addressed in the path.',
  },
  SHOAL_S3_REGION: {
    schema: z.string().min(1),
    defaultText: 'us-east-1',
    meaning: 'Region that S3 requests are signed for.',
  },
  SHOAL_S3_ACCESS_KEY: {
    schema: z.string().min(1),
    defaultLabel: 'none',
    meaning: 'Access key for S3; needed with `s3://`.',
  },
  SHOAL_S3_SECRET_KEY: {
    schema: z.string().min(1),
    defaultLabel: 'none',
    meaning: 'Secret key for S3; needed with `s3://`.',
  },
  SHOAL_RETENTION_HOURS: {
    schema: z.coerce.number().min(0.01).max(1_000_000),
    defaultLabel: 'for ever',
    meaning: 'How long recordings are kept after their broadcast has ended.',
  },
  SHOAL_RETENTION_GB: {
    schema: z.coerce.number().min(0.001).max(10_000_000),
    defaultLabel: 'unbounded',
    meaning: 'Gigabytes (10⁹ bytes) that all recordings may take together; the oldest go first.',
  },
  SHOAL_ADMIN_TOKEN: {
    schema: z.string().min(16, 'use at least 16 characters'),
    defaultLabel: 'none',
    meaning:
      'Allows to delete recordings, as `Authorization: Bearer TOKEN`; without it nobody can.',
  },
  SHOAL_WEBHOOK_URL: {
    schema: httpUrl,
    defaultLabel: 'none',
    meaning: 'Is told what happens to streams and recordings, by signed POST.',
  },
  SHOAL_ADMISSION_URL: {
    schema: httpUrl,
    defaultLabel: 'none',
    meaning:
      'Is asked by signed POST who may publish, on top of the stream key: 2xx admits, 4xx refuses; without an answer within 3 s nobody is admitted.',
  },
  SHOAL_WEBHOOK_SECRET: {
    schema: z.string().min(16, 'use at least 16 characters'),
    defaultLabel: 'none',
    meaning: 'Signs what goes to the two URLs above; needed with them.',
  },
  SHOAL_TELEMETRY_STORE: {
    schema: z
      .string()
      .regex(
        /^(sqlite:.+|memory|postgres(ql)?:\/\/.+)$/,
        'write sqlite:PATH, postgres://… or memory',
      ),
    defaultLabel: 'embedded file',
    meaning:
      'Telemetry database: `sqlite:PATH`, `postgres://user:password@host:port/database`, or `memory` for none after a restart. By default a file in the data directory.',
  },
  SHOAL_VIEWER_TOKEN_SECRET: {
    schema: z.string().min(32, 'use at least 32 characters'),
    defaultLabel: 'none',
    meaning:
      'When set, joining a swarm and posting beacons needs a viewer token signed with it (JWT, HS256).',
  },
  SHOAL_TOKEN_ENDPOINT: {
    schema: z.enum(['yes', 'no']),
    defaultText: 'no',
    meaning:
      '`yes`: `GET /api/v1/viewer-token?stream=` of the tracker gives anybody a viewer token; for trials, where no site signs them.',
  },
  SHOAL_KNOWN_STREAMS_ONLY: {
    schema: z.enum(['yes', 'no']),
    defaultLabel: '`yes` with a public tracker URL, else `no`',
    meaning:
      '`yes`: the tracker takes viewers and beacons only of streams that ingest has; a client names its stream in its token or as `?stream=` of the tracker URL.',
  },
  SHOAL_GEO_DATABASE: {
    schema: list,
    defaultText: '',
    defaultLabel: 'none',
    meaning:
      'Files in MaxMind’s DB format (`.mmdb`) with countries or ASNs, separated by commas: viewers of one network operator or country are introduced first, and figures are kept per country.',
  },
  SHOAL_REDIS_URL: {
    schema: z.url({ protocol: /^rediss?$/ }),
    defaultLabel: 'none',
    meaning:
      'Redis or Valkey in which several trackers share limits per address and token, revoked tokens and which beacon is counted, `redis://host:port`.',
  },
  SHOAL_SWARM_VIEWERS: {
    schema: z.coerce.number().int().min(2).max(1_000_000),
    defaultText: '20000',
    meaning:
      'Viewers of one swarm that a tracker takes; the proxy in front brings the others to the next tracker.',
  },
  SHOAL_SWARM_PART_VIEWERS: {
    schema: z.coerce.number().int().min(2).max(1_000_000),
    defaultText: '2000',
    meaning:
      'A swarm with more viewers is split into parts by network, each with a copy from the CDN.',
  },
  SHOAL_DASHBOARD_TOKEN: {
    schema: z.string().regex(/^\S{16,}$/, 'use at least 16 characters without spaces'),
    defaultLabel: 'none',
    meaning:
      'When set, the dashboard and its API ask for it: as the password of HTTP Basic, with any user name, or as Bearer.',
  },
  SHOAL_PLAYER_CONFIG: {
    schema: jsonObject,
    defaultLabel: 'none',
    meaning:
      'What the tracker tells all players, as JSON: `{"p2p":false}` takes them out of the swarms, and `p2pShare`, `minViewers`, `uploadLimitBps` (docs/player-operations.md).',
  },
  SHOAL_ANNOUNCED_IPS: {
    schema: list,
    defaultLabel: 'none',
    meaning: 'Addresses to announce for WebRTC behind NAT or in a container, separated by commas.',
  },
  SHOAL_WHIP_UDP_PORTS: {
    schema: portRange,
    defaultLabel: 'any',
    meaning: 'UDP ports for WebRTC, `first-last`.',
  },
  SHOAL_ICE_SERVERS: {
    schema: list,
    defaultLabel: 'none',
    meaning:
      'STUN and TURN servers for publishers, `stun:host:port` or `turn:user:password@host:port`, separated by commas.',
  },
  SHOAL_TURN_URLS: {
    schema: list.refine(
      (urls) => urls.every((url) => /^(?:stun|turn)s?:\S+$/.test(url)),
      'write stun:host:port or turn:host:port?transport=udp',
    ),
    defaultLabel: 'none',
    meaning:
      'STUN and TURN servers for viewers, `stun:host:port` or `turn:host:port?transport=udp`, separated by commas; the tracker hands them out.',
  },
  SHOAL_TURN_SECRET: {
    schema: z.string().min(16, 'use at least 16 characters'),
    defaultLabel: 'none',
    meaning:
      'Shared with the TURN servers (`static-auth-secret` of coturn): the tracker makes credentials for a day from it.',
  },
  SHOAL_MAX_SESSIONS: {
    schema: z.coerce.number().int().min(1).max(10_000),
    defaultText: '64',
    meaning: 'Publishers at once; one more gets 503 with `Retry-After`.',
  },
  SHOAL_MAX_PUBLISH_KBPS: {
    schema: z.coerce.number().int().min(64).max(1_000_000),
    defaultText: '20000',
    meaning:
      'Kilobits a second that a publisher may send; told in the answer, and whose average of 10 s is a quarter above it is disconnected.',
  },
  SHOAL_MAX_PUBLISH_LINES: {
    schema: z.coerce.number().int().min(16).max(16_384),
    defaultText: '2160',
    meaning:
      'Shorter side of the picture that a publisher may send; with a larger one it is disconnected.',
  },
  SHOAL_MAX_SESSIONS_PER_ADDRESS: {
    schema: z.coerce.number().int().min(1).max(10_000),
    defaultText: '16',
    meaning:
      'Publishers at once from one address as ingest sees it, which behind a proxy is the proxy.',
  },
  SHOAL_REGISTRY_URL: {
    schema: z.url({ protocol: /^rediss?$/ }),
    defaultLabel: 'none',
    meaning:
      'Redis or Valkey in which several ingests agree who has which stream, `redis://host:port`; needs `SHOAL_NODE_URL`, and a store that they share.',
  },
  SHOAL_NODE_URL: {
    schema: httpUrl,
    defaultLabel: 'none',
    meaning: 'Where the other ingests reach this one.',
  },
  SHOAL_NODE_PUBLIC_URL: {
    schema: httpUrl,
    defaultLabel: 'none',
    meaning:
      'Where publishers reach this ingest and no other: the others send them there with 307. Without it they pass the signalling on.',
  },
  SHOAL_CDN_PRICE_PER_GB: {
    schema: z.coerce.number().min(0).max(100),
    defaultText: '0.05',
    meaning: 'Price of a gigabyte from the CDN in US dollars, for the money on the dashboard.',
  },
  SHOAL_LOG_LEVEL: {
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    defaultText: 'warn',
    meaning: 'Least severe log line to write, as JSON on standard error.',
  },
} as const satisfies Record<`SHOAL_${string}`, Variable>;

type Variables = typeof environmentVariables;
type ValueOf<Entry extends Variable> = Entry extends { defaultText: string }
  ? z.output<Entry['schema']>
  : z.output<Entry['schema']> | undefined;

/** The parsed environment: one typed value per variable, `undefined` where there is no default. */
export type Environment = { readonly [Name in keyof Variables]: ValueOf<Variables[Name]> };

/** What is wrong with an environment: one sentence per variable. */
export class EnvironmentError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `The environment is not usable:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    );
    this.name = 'EnvironmentError';
    this.problems = problems;
  }
}

/**
 * Parses the `SHOAL_` variables of `source`; an empty text counts as absent.
 * @throws EnvironmentError that lists every unknown variable and every bad value
 */
export function parseEnvironment(
  source: Readonly<Record<string, string | undefined>>,
): Environment {
  const problems: string[] = [];
  for (const name of Object.keys(source)) {
    if (name.startsWith('SHOAL_') && !(name in environmentVariables)) {
      problems.push(`${name}: unknown variable; the README lists those that exist.`);
    }
  }
  const values: Record<string, unknown> = {};
  for (const [name, variable] of Object.entries<Variable>(environmentVariables)) {
    const text = source[name] || variable.defaultText;
    if (text === undefined) continue;
    const result = variable.schema.safeParse(text);
    if (result.success) values[name] = result.data;
    else problems.push(`${name}: ${result.error.issues.map((issue) => issue.message).join('; ')}.`);
  }
  if (problems.length > 0) throw new EnvironmentError(problems);
  return values as Environment;
}
