// What a benchmark says, and how it is written: JSON for programs, Markdown for people and for the
// README, which quotes it.

import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface BenchReport {
  /** Name of the files under `results/`. */
  readonly name: string;
  readonly title: string;
  readonly method: string;
  /** Every row has the same columns in the same order. */
  readonly rows: readonly Readonly<Record<string, string | number>>[];
}

const resultsDirectory = fileURLToPath(new URL('results', import.meta.url));

/** The report as a Markdown table with a sentence on how it was taken. */
export function toMarkdown(report: BenchReport, takenAt: string): string {
  const columns = Object.keys(report.rows[0] ?? {});
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [
    `**${report.title}** (\`npm run bench ${report.name}\`, ${takenAt.slice(0, 10)}, ${cpus().length} cores)`,
    '',
    line(columns),
    line(columns.map(() => '---')),
    ...report.rows.map((row) => line(columns.map((column) => row[column] ?? ''))),
    '',
    report.method,
    '',
  ].join('\n');
}

/** Writes `results/{name}.json` and `results/{name}.md`. */
export async function writeReport(report: BenchReport): Promise<void> {
  const takenAt = new Date().toISOString();
  await mkdir(resultsDirectory, { recursive: true });
  const json = { takenAt, node: process.version, cores: cpus().length, ...report };
  await writeFile(
    path.join(resultsDirectory, `${report.name}.json`),
    `${JSON.stringify(json, null, 2)}\n`,
  );
  await writeFile(path.join(resultsDirectory, `${report.name}.md`), toMarkdown(report, takenAt));
}
