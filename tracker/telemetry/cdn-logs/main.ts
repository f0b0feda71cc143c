// node --import tsx tracker/telemetry/cdn-logs/main.ts FORMAT TRACKER_URL FILE…: prints what a CDN sent
// against what viewers report, and with a dashboard token hands it to the dashboard. Ends with 1 where they differ by more than 5 %.

import { type CdnLogFormat, cdnLogFormats } from '../pure/cdn-logs.ts';
import { importUsage, sourceOf } from './import-usage.ts';
import { reconcile, sumLogs } from './reconcile.ts';

const usageExitCode = 2;

function formatNamed(name: string | undefined): CdnLogFormat | undefined {
  return cdnLogFormats.find((format) => format === name);
}

async function run(): Promise<number> {
  const [formatName, trackerUrl, ...files] = process.argv.slice(2);
  const format = formatNamed(formatName);
  if (format === undefined || trackerUrl === undefined || files.length === 0) {
    console.error(`usage: FORMAT TRACKER_URL FILE…; FORMAT is ${cdnLogFormats.join(', ')}`);
    return usageExitCode;
  }
  const logs = await sumLogs(format, files);
  if (logs === null) {
    console.error(`no media in these files; are they ${format} logs?`);
    return usageExitCode;
  }
  const token = process.env.SHOAL_DASHBOARD_TOKEN ?? null;
  const baseUrl = trackerUrl.replace(/\/+$/, '');
  if (token !== null) {
    await importUsage([...logs.usage.values()], sourceOf(files), baseUrl, token);
  }
  const results = await reconcile(logs, baseUrl, token);
  for (const { stream, measuredBytes, reportedBytes, difference, isWithinTolerance } of results) {
    const percent = difference === null ? '–' : `${(difference * 100).toFixed(1)} %`;
    const verdict = isWithinTolerance ? 'agree' : 'DIFFER';
    console.log(
      `${stream}  CDN sent ${measuredBytes}  viewers report ${reportedBytes}  ${percent}  ${verdict}`,
    );
  }
  if (logs.unreadableLines > 0) console.error(`${logs.unreadableLines} lines were not readable`);
  return results.every(({ isWithinTolerance }) => isWithinTolerance) ? 0 : 1;
}

process.exitCode = await run();
