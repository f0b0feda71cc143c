// The last line of `npm test`.

import { describe, expect, it } from 'vitest';
import { summarizeTests } from '../../../infra/local/test-summary.ts';

const fileOf = (status: string, ...tests: readonly string[]): object => ({
  status,
  assertionResults: tests.map((test) => ({ status: test })),
});

const reportOf = (passed: number, failed: number, skipped: number, ...files: object[]): string =>
  JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: skipped,
    testResults: files,
  });

describe('summarizeTests', () => {
  it('counts passed and failed tests', () => {
    const report = reportOf(
      2,
      1,
      0,
      fileOf('failed', 'passed', 'failed'),
      fileOf('passed', 'passed'),
    );
    expect(summarizeTests(report)).toBe('2 passed, 1 failed');
  });

  it('counts a file that broke before its first test as a failure', () => {
    expect(summarizeTests(reportOf(1, 0, 0, fileOf('passed', 'passed'), fileOf('failed')))).toBe(
      '1 passed, 1 failed',
    );
  });

  it('names skipped tests only when there are any', () => {
    expect(summarizeTests(reportOf(1, 0, 2, fileOf('passed', 'passed')))).toBe(
      '1 passed, 0 failed, 2 skipped',
    );
  });

  it('refuses what is no report', () => {
    expect(() => summarizeTests('{}')).toThrow();
  });
});
