// What the nodes of a cluster tell each other about themselves. Pure; the lease registry writes and
// reads it.

import { z } from 'zod';

export interface IngestNode {
  /** Where the other nodes reach it, without a slash at the end; its identity. */
  readonly url: string;
  /** Where publishers reach this node and no other; `null`: only through the other nodes. */
  readonly publicUrl: string | null;
}

/** A node that is alive, and how full it is. */
export interface NodeState extends IngestNode {
  readonly sessionCount: number;
  readonly maxSessions: number;
}

/** Where a stream is. */
export type StreamPlace =
  | { readonly kind: 'here' }
  | { readonly kind: 'elsewhere'; readonly node: IngestNode }
  /** Its node is gone and its publisher not back yet. */
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'nowhere' };

/** A segment among all that a stream ever had. */
export interface SegmentPlace {
  readonly recording: string;
  readonly sequenceNumber: number;
}

const nodeSchema = z.object({ url: z.url(), publicUrl: z.url().nullable() });
const stateSchema = nodeSchema.extend({
  sessionCount: z.number().int().min(0),
  maxSessions: z.number().int().min(0),
});
const segmentSchema = z.object({
  recording: z.string().max(64),
  sequenceNumber: z.number().int().min(0),
});

function parsed<Value>(schema: z.ZodType<Value>, text: string | null): Value | null {
  if (text === null) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // Written by something else: as good as nothing.
    return null;
  }
}

/** The text by which a lease names its owner; the same for the same node, also after a restart. */
export function formatNode({ url, publicUrl }: IngestNode): string {
  return JSON.stringify({ url, publicUrl });
}

export function parseNode(text: string | null): IngestNode | null {
  return parsed(nodeSchema, text);
}

export function formatNodeState(state: NodeState): string {
  return JSON.stringify(state);
}

export function parseNodeState(text: string | null): NodeState | null {
  return parsed(stateSchema, text);
}

export function formatSegmentPlace(place: SegmentPlace): string {
  return JSON.stringify(place);
}

export function parseSegmentPlace(text: string | null): SegmentPlace | null {
  return parsed(segmentSchema, text);
}

/** The node with the most room, or `null` when all are full. */
export function roomiest(nodes: readonly NodeState[]): NodeState | null {
  const room = (node: NodeState): number => node.maxSessions - node.sessionCount;
  const [best] = nodes.toSorted((a, b) => room(b) - room(a));
  return best !== undefined && room(best) > 0 ? best : null;
}
