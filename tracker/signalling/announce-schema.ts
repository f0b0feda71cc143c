// Checks a client's message before bittorrent-tracker sees it: that library trusts the shape of
// what it parses, and an offer that is `null` or a number for `info_hash` would end the process.

import { z } from 'zod';

/** Largest WebSocket message in bytes; ten offers with their candidates fit. */
export const maxMessageSizeBytes = 64 * 1024;
/** As many offers as bittorrent-tracker hands out at once (`MAX_ANNOUNCE_PEERS`). */
const maxOffers = 82;
const maxScrapedSwarms = 100;

// 20 bytes as a "binary string": one character per byte (WebTorrent's convention).
// biome-ignore lint/suspicious/noControlCharactersInRegex: bytes, not text
const twentyBytes = z.string().regex(/^[\u0000-\u00ff]{20}$/, 'must be 20 bytes');

const sessionDescription = z.looseObject({
  type: z.string().max(16),
  sdp: z.string().max(maxMessageSizeBytes),
});
const offerId = z.string().min(1).max(64);

/** What Shoal's players say of themselves; others say nothing. */
const situation = z.looseObject({
  isStrong: z.boolean().nullish(),
  hasRoom: z.boolean().nullish(),
  isInNeed: z.boolean().nullish(),
});

const announce = z.looseObject({
  action: z.literal('announce'),
  info_hash: twentyBytes,
  peer_id: twentyBytes,
  event: z.enum(['started', 'stopped', 'completed', 'update', 'paused', 'empty', '']).nullish(),
  offers: z
    .array(z.looseObject({ offer: sessionDescription, offer_id: offerId }))
    .max(maxOffers)
    .nullish(),
  answer: sessionDescription.nullish(),
  to_peer_id: twentyBytes.nullish(),
  offer_id: offerId.nullish(),
  shoal: situation.nullish(),
});

// Without `info_hash` bittorrent-tracker would list every swarm: refused, since it tells anybody
// what is being watched.
const scrape = z.looseObject({
  action: z.literal('scrape'),
  info_hash: z.union([twentyBytes, z.array(twentyBytes).min(1).max(maxScrapedSwarms)]),
});

const message = z.discriminatedUnion('action', [announce, scrape]);

export type SignallingMessage = z.output<typeof message>;

export type ParsedMessage =
  | { readonly ok: true; readonly message: SignallingMessage }
  | { readonly ok: false; readonly problem: string };

/** The message in `text`, or one sentence that says why it is none. */
export function parseSignallingMessage(text: string): ParsedMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, problem: 'the message is not JSON' };
  }
  const result = message.safeParse(value);
  if (result.success) return { ok: true, message: result.data };
  const issue = result.error.issues[0];
  return { ok: false, problem: `${issue?.path.join('.') || 'message'}: ${issue?.message ?? ''}` };
}
