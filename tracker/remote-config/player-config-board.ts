// What players are told to do at this moment, by the operator: from the environment at the start,
// by an authenticated PUT while it runs. In memory: a restart goes back to the environment.

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

  constructor(initial: PlayerConfigChange, nowMs: number) {
    // The time makes versions that a tracker before this one has not used.
    this.#config = { ...withChange(defaultPlayerConfig, initial), version: nowMs };
  }

  get config(): PlayerConfig {
    return this.#config;
  }

  change(change: PlayerConfigChange, nowMs: number): PlayerConfig {
    const version = Math.max(nowMs, this.#config.version + 1);
    this.#config = { ...withChange(this.#config, change), version };
    return this.#config;
  }
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

export interface PlayerConfigRouteOptions {
  readonly board: PlayerConfigBoard;
  /** `true` for the operator; `null` where no secret is set, and nobody may change anything. */
  readonly isOperator: ((request: FastifyRequest) => boolean) | null;
  readonly onChange: (config: PlayerConfig) => void;
}

export function registerPlayerConfigRoutes(
  server: FastifyInstance,
  { board, isOperator, onChange }: PlayerConfigRouteOptions,
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
    const config = board.change(parsePlayerConfigChange(request.body), Date.now());
    onChange(config);
    return reply.header('cache-control', 'no-store').send(config);
  });
}
