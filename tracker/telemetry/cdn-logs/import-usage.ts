// Hands what the CDN's logs say to the tracker, so that the dashboard shows it beside the reports of
// viewers. The command in main.ts calls it after it has read the files.

import { createHash } from 'node:crypto';
import { maxUsageRows } from '../cdn-usage-routes.ts';
import type { CdnUsage } from '../pure/cdn-usage.ts';

/**
 * The name under which files are imported: the same files replace themselves, also when they have
 * grown since; rotated ones add up.
 */
export function sourceOf(files: readonly string[]): string {
  const digest = createHash('sha256').update(files.join('\n')).digest('hex').slice(0, 16);
  return `${files[0]?.split('/').at(-1)?.slice(0, 100) ?? 'log'} ${digest}`;
}

/** @throws Error when the tracker refuses; the message has its reason */
export async function importUsage(
  usage: readonly CdnUsage[],
  source: string,
  trackerUrl: string,
  dashboardToken: string | null,
): Promise<void> {
  for (let start = 0, part = 0; start < usage.length; start += maxUsageRows, part += 1) {
    const rows = usage
      .slice(start, start + maxUsageRows)
      .map(({ atMs, ...rest }) => ({ at: new Date(atMs).toISOString(), ...rest }));
    const response = await fetch(`${trackerUrl}/api/v1/cdn-usage`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(dashboardToken !== null && { authorization: `Bearer ${dashboardToken}` }),
      },
      body: JSON.stringify({ source: `${source} ${part}`, usage: rows }),
    });
    if (!response.ok) {
      throw new Error(`the tracker answered ${response.status}: ${await response.text()}`);
    }
  }
}
