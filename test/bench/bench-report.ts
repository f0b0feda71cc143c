// What a benchmark says, and how it is written: JSON for programs, Markdown for people and for the
// README, which quotes it.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface BenchReport {
  /** Name of the files under `results/`. */
  readonly name: string;
  readonly title: string;
  readonly method: string;
  /** Columns of the JSON that the Markdown leaves out. */
  readonly hiddenColumns?: readonly string[];
  /** A sentence or a picture below the table. */
  readonly appendix?: string;
  /** A picture of all rows, also those of an earlier run. */
  readonly plot?: { readonly fileName: string; readonly draw: (rows: BenchRows) => string };
  /** Every row has the same columns in the same order. */
  readonly rows: BenchRows;
}

export type BenchRows = readonly Readonly<Record<string, string | number>>[];

export const resultsDirectory = fileURLToPath(new URL('results', import.meta.url));

/** The report as a Markdown table with a sentence on how it was taken. */
export function toMarkdown(report: BenchReport, takenAt: string): string {
  const hidden = report.hiddenColumns ?? [];
  const columns = Object.keys(report.rows[0] ?? {}).filter((column) => !hidden.includes(column));
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
    ...(report.appendix === undefined ? [] : [report.appendix, '']),
  ].join('\n');
}

/**
 * Writes `results/{name}.json` and `results/{name}.md`.
 * @param isPart the other rows of the last results stay, in the order of that table
 */
export async function writeReport(measured: BenchReport, isPart: boolean): Promise<void> {
  const { plot, ...report } = isPart ? await joinedWithLast(measured) : measured;
  const takenAt = new Date().toISOString();
  await mkdir(resultsDirectory, { recursive: true });
  const json = { takenAt, node: process.version, cores: cpus().length, ...report };
  await writeFile(
    path.join(resultsDirectory, `${report.name}.json`),
    `${JSON.stringify(json, null, 2)}\n`,
  );
  await writeFile(path.join(resultsDirectory, `${report.name}.md`), toMarkdown(report, takenAt));
  if (plot) await writeFile(path.join(resultsDirectory, plot.fileName), plot.draw(report.rows));
}

async function joinedWithLast(report: BenchReport): Promise<BenchReport> {
  const file = path.join(resultsDirectory, `${report.name}.json`);
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return report;
  const { rows: last } = JSON.parse(text) as Pick<BenchReport, 'rows'>;
  const keyOf = (row: BenchReport['rows'][number]): string =>
    `${row.case} ${row.scheme ?? row.viewers ?? ''}`;
  const fresh = new Map(report.rows.map((row) => [keyOf(row), row]));
  const columnsOf = (row: BenchReport['rows'][number] | undefined): string =>
    Object.keys(row ?? {}).join();
  // Rows that an older benchmark took, with other columns, are not beside these.
  const comparable = last.filter((row) => columnsOf(row) === columnsOf(report.rows[0]));
  const rows = comparable.map((row) => {
    const replacement = fresh.get(keyOf(row));
    fresh.delete(keyOf(row));
    return replacement ?? row;
  });
  const all = [...rows, ...fresh.values()];
  // Schemes of one case stand together, in the order in which the cases first appear.
  const cases = [...new Set(all.map(({ case: name }) => name))];
  return { ...report, rows: cases.flatMap((name) => all.filter((row) => row.case === name)) };
}
