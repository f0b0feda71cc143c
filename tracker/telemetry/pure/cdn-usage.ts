// What a CDN says it sent, in minutes, and how it is held against what viewers report. Pure: the
// route reads it from imports of logs, stores keep it, the savings summary shows the comparison.

import type { StreamId } from '@shoal/ingest/protocol';

/** Length of a step; the same as a resolution of the rollups, which it is compared with. */
export const cdnUsageStepMs = 60_000;

/** Media bytes that a CDN sent for one stream in one step. */
export interface CdnUsage {
  /** Start of the step, a multiple of {@link cdnUsageStepMs}. */
  readonly atMs: number;
  readonly stream: StreamId;
  readonly bytes: number;
}

/** Both sides over the steps that logs were imported for. */
export interface CdnComparison {
  /** How much of the window that is, in milliseconds. */
  readonly coveredMs: number;
  /** By the CDN's logs. */
  readonly measuredBytes: number;
  /** By viewers, in the same steps. */
  readonly reportedBytes: number;
}
