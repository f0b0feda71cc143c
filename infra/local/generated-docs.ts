// The parts of the README that come from elsewhere: the tables of the environment and of the error
// codes from the code, the figures from the benchmarks' results. Pure; `generate-docs.ts` writes them, a unit test fails when they are stale.

import { environmentVariables } from '../../ingest/environment.ts';
import { ingestErrors } from '../../ingest/errors.ts';
import { trackerErrors } from '../../tracker/errors.ts';

interface VariableEntry {
  readonly defaultText?: string;
  readonly defaultLabel?: string;
  readonly meaning: string;
}

interface ErrorEntry {
  readonly status: number;
  readonly title: string;
}

/** Benchmarks whose results the README quotes, in this order. */
export const quotedBenchmarks = ['delivery', 'swarm', 'chromium', 'startup', 'player'] as const;

/** The text between `<!-- name:start -->` and `<!-- name:end -->`, by name. */
const sections: Readonly<Record<string, () => string>> = {
  environment: environmentTable,
  errors: () => `${errorTable('Ingest', ingestErrors)}\n\n${errorTable('Tracker', trackerErrors)}`,
};

/**
 * The README with every generated section brought up to date.
 * @param benchResults the Markdown that the benchmarks have written
 * @throws when a section's markers are missing
 */
export function renderGeneratedSections(readme: string, benchResults: string): string {
  let text = replaceSection(readme, 'bench', benchResults.trim());
  for (const [name, render] of Object.entries(sections)) {
    text = replaceSection(text, name, render());
  }
  return text;
}

/** @throws when the markers of `name` are missing */
export function replaceSection(text: string, name: string, content: string): string {
  const start = `<!-- ${name}:start -->`;
  const end = `<!-- ${name}:end -->`;
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`The text has no ${start} … ${end}.`);
  return `${text.slice(0, from + start.length)}\n\n${content}\n\n${text.slice(to)}`;
}

function environmentTable(): string {
  const rows = Object.entries<VariableEntry>(environmentVariables).map(([name, variable]) => {
    const label = variable.defaultLabel ?? `\`${variable.defaultText ?? ''}\``;
    return `| \`${name}\` | ${cell(label)} | ${cell(variable.meaning)} |`;
  });
  return ['| variable | default | meaning |', '|---|---|---|', ...rows].join('\n');
}

function errorTable(service: string, errors: Readonly<Record<string, ErrorEntry>>): string {
  const rows = Object.entries(errors).map(
    ([code, { status, title }]) => `| \`${code}\` | ${status} | ${cell(title)} |`,
  );
  return [`| ${service}: code | status | meaning |`, '|---|---|---|', ...rows].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`);
}
