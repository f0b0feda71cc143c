// The last line of `npm test`, made from vitest's JSON report: how many tests passed and failed.
// Pure; `test.ts` runs vitest and prints it.

import { z } from 'zod';

const reportSchema = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  testResults: z.array(
    z.object({
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string() })),
    }),
  ),
});

/**
 * For example `212 passed, 0 failed` or `212 passed, 1 failed, 3 skipped`. A file that breaks
 * before its first test counts as one failure.
 * @param reportText the file that vitest's `json` reporter writes
 * @throws when the text is not such a report
 */
export function summarizeTests(reportText: string): string {
  const report = reportSchema.parse(JSON.parse(reportText));
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  );
  const failed = report.numFailedTests + brokenFiles.length;
  const skipped = report.numPendingTests > 0 ? `, ${report.numPendingTests} skipped` : '';
  return `${report.numPassedTests} passed, ${failed} failed${skipped}`;
}
