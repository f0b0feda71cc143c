// What CDN logs say, in SQL: imports in, the comparison with viewers' reports out. The SQL store
// calls it; `pure/cdn-usage.ts` has the terms.

import { type Kysely, sql, type Transaction } from 'kysely';
import { type CdnComparison, type CdnUsage, cdnUsageStepMs } from './pure/cdn-usage.ts';
import type { TelemetryDatabase } from './sql-schema.ts';
import type { CdnUsageQuery } from './telemetry-store.ts';

const rowsPerInsert = 500;

/** @param usage at most one row per step and stream */
export async function replaceCdnUsage(
  writer: Transaction<TelemetryDatabase>,
  source: string,
  usage: readonly CdnUsage[],
): Promise<void> {
  await writer.deleteFrom('cdn_usage').where('source', '=', source).execute();
  for (let start = 0; start < usage.length; start += rowsPerInsert) {
    const rows = usage
      .slice(start, start + rowsPerInsert)
      .map(({ atMs, stream, bytes }) => ({ source, at_ms: atMs, stream, bytes }));
    await writer.insertInto('cdn_usage').values(rows).execute();
  }
}

export async function compareCdnUsage(
  database: Kysely<TelemetryDatabase>,
  { stream, fromMs, toMs }: CdnUsageQuery,
): Promise<CdnComparison | null> {
  const ofStream = stream === null ? sql`` : sql`and stream = ${stream}`;
  const { rows } = await sql<{ steps: number; measured: number | null; reported: number | null }>`
    with measured as (
      select at_ms, sum(bytes) as bytes from cdn_usage
      where at_ms >= ${fromMs} and at_ms < ${toMs} ${ofStream} group by at_ms
    )
    select count(*) as "steps", sum(bytes) as "measured", (
      select sum(cdn_bytes) from delivery
      where step_ms = ${cdnUsageStepMs} and at_ms in (select at_ms from measured) ${ofStream}
    ) as "reported" from measured`.execute(database);
  const row = rows[0];
  const steps = Number(row?.steps ?? 0);
  if (steps === 0) return null;
  return {
    coveredMs: steps * cdnUsageStepMs,
    measuredBytes: Number(row?.measured ?? 0),
    reportedBytes: Number(row?.reported ?? 0),
  };
}
