// What players are told to do at this moment, by the operator: from the environment at the start,
// by an authenticated PUT while it runs, at any of the trackers. A tracker that is alone goes back to
// the environment when it starts again.

import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { TrackerError } from '../errors.ts';
import { defaultPlayerConfig, type PlayerConfig } from '../protocol/index.ts';

/** Of everything that players can be told, what is to be changed. */
export type PlayerConfigChange = z.infer<typeof changeSchema>;

const changeSchema = z.strictObject({
  p2p: z.boolean().optional(),
  p2pShare: z.number().min(0).max(1).nullable().optional(),
  minViewers: z.int().min(0).max(1e6).nullable().optional(),
  uploadLimitBps: z.number().min(0).max(1e12).nullable().optional(),
});

const maxBodyBytes = 1_024;

export class PlayerConfigBoard {
  #config: PlayerConfig;
  #isChanged = false;

  constructor(initial: PlayerConfigChange) {
    const config = withChange(defaultPlayerConfig, initial);
    this.#config = { ...config, version: versionOf(config) };
  }

  get config(): PlayerConfig {
    return this.#config;
  }

  /** What an operator has set; `null` while the environment counts. */
  get changed(): PlayerConfig | null {
    return this.#isChanged ? this.#config : null;
  }

  /** Another tracker was told this. */
  adopt(config: PlayerConfig): void {
    this.#config = config;
    this.#isChanged = true;
  }

  change(change: PlayerConfigChange, nowMs: number): PlayerConfig {
    const version = Math.max(nowMs, this.#config.version + 1);
    this.#config = { ...withChange(this.#config, change), version };
    this.#isChanged = true;
    return this.#config;
  }
}

/**
 * The same on trackers with the same environment, or every beacon that reaches another tracker would
 * look like news; and below every time in milliseconds, which is what changes are numbered by.
 */
function versionOf(config: PlayerConfig): number {
  return createHash('sha256').update(JSON.stringify(config)).digest().readUInt32BE();
}

function withChange(config: PlayerConfig, change: PlayerConfigChange): PlayerConfig {
  const { p2p, p2pShare, minViewers, uploadLimitBps } = change;
  return {
    version: config.version,
    p2p: p2p ?? config.p2p,
    p2pShare: p2pShare === undefined ? config.p2pShare : p2pShare,
    minViewers: minViewers === undefined ? config.minViewers : minViewers,
    uploadLimitBps: uploadLimitBps === undefined ? config.uploadLimitBps : uploadLimitBps,
  };
}

/**
 * A change in JSON.
 * @throws TrackerError `player-config-invalid` that names the first wrong field
 */
export function parsePlayerConfigChange(value: unknown): PlayerConfigChange {
  const result = changeSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.join('.') || 'the body';
  throw new TrackerError('player-config-invalid', `${field}: ${issue?.message ?? 'not valid'}.`);
}

export interface SharedBoard {
  /** Learns what the others were told; resolves in any case. */
  poll(): Promise<void>;
  /** Rejects when the others could not be told. */
  publish(): Promise<void>;
}

export interface PlayerConfigRouteOptions {
  readonly board: PlayerConfigBoard;
  /** `true` for the operator; `null` where no secret is set, and nobody may change anything. */
  readonly isOperator: ((request: FastifyRequest) => boolean) | null;
  /** Tells the other trackers, or asks them before a change; `null` where this one is alone. */
  readonly shared: SharedBoard | null;
  readonly onChange: (config: PlayerConfig) => void;
}

export function registerPlayerConfigRoutes(
  server: FastifyInstance,
  { board, isOperator, shared, onChange }: PlayerConfigRouteOptions,
): void {
  server.get('/api/v1/player-config', async (_request, reply) =>
    reply.header('cache-control', 'no-store').send(board.config),
  );
  server.put('/api/v1/player-config', { bodyLimit: maxBodyBytes }, async (request, reply) => {
    if (isOperator === null) {
      throw new TrackerError(
        'player-config-fixed',
        'Set SHOAL_DASHBOARD_TOKEN and send it as Bearer; until then only the environment counts.',
      );
    }
    if (!isOperator(request)) {
      throw new TrackerError('dashboard-token-wrong', 'Give the dashboard token as Bearer.');
    }
    const change = parsePlayerConfigChange(request.body);
    await shared?.poll();
    const config = board.change(change, Date.now());
    onChange(config);
    try {
      await shared?.publish();
    } catch (error) {
      throw new TrackerError(
        'store-unavailable',
        'It holds on this tracker, and on the others when Redis answers again.',
        { cause: error },
      );
    }
    return reply.header('cache-control', 'no-store').send(config);
  });
}
