// The Prometheus rules and the Grafana dashboard: promtool accepts and tests the rules, every
// expression parses, and every metric that they name is one that a service has.

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Tracker } from '@shoal/tracker';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const rules = path.join(root, 'infra/prometheus');

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

async function grafanaPanels(): Promise<readonly Panel[]> {
  const text = await readFile(path.join(root, 'infra/grafana/shoal.json'), 'utf8');
  return (JSON.parse(text) as { panels: readonly Panel[] }).panels;
}

/** Names in the source of ingest, which would need an encoder to start, and of a running tracker. */
async function knownMetrics(): Promise<Set<string>> {
  const ingest = (await readdir(path.join(root, 'ingest'), { recursive: true }))
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
    .map((file) => readFile(path.join(root, 'ingest', file), 'utf8'));
  const tracker = await Tracker.start({ port: 0 });
  const metrics = await (await fetch(`${tracker.url}/metrics`)).text();
  await tracker.close('its metrics are known');
  const text = `${(await Promise.all(ingest)).join('\n')}\n${metrics}`;
  return new Set([...text.matchAll(/\bshoal_[a-z_]+\b/g)].map(([name]) => name));
}

describe('Prometheus', () => {
  it('accepts the rules and the configuration, and the rules do what their cases say', async () => {
    await run('promtool', ['check', 'rules', path.join(rules, 'shoal.rules.yml')]);
    for (const file of ['prometheus.yml', 'compose.yml']) {
      await run('promtool', ['check', 'config', path.join(rules, file)]);
    }
    const { stdout } = await run('promtool', ['test', 'rules', 'shoal.rules.test.yml'], {
      cwd: rules,
    });
    expect(stdout).toContain('SUCCESS');
  });

  it('would accept every expression of the Grafana dashboard', async () => {
    const expressions = (await grafanaPanels()).flatMap(({ targets }) => targets);
    expect(expressions.length).toBeGreaterThan(10);
    const directory = await mkdtemp(path.join(tmpdir(), 'shoal-promtool-'));
    try {
      const file = path.join(directory, 'expressions.yml');
      const recordings = expressions.map(({ expr }, index) => ({
        record: `checked:expression_${index}`,
        // Prometheus itself does not know Grafana's variables.
        expr: expr.replaceAll('$stream', '.*'),
      }));
      // JSON is YAML.
      await writeFile(file, JSON.stringify({ groups: [{ name: 'checked', rules: recordings }] }));
      await run('promtool', ['check', 'rules', file]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('is asked only for metrics that the services have', async () => {
    const known = await knownMetrics();
    const rulesText = await readFile(path.join(rules, 'shoal.rules.yml'), 'utf8');
    const expressions = (await grafanaPanels()).flatMap(({ targets }) => targets);
    const text = [rulesText, ...expressions.map(({ expr }) => expr)].join('\n');
    const named = new Set([...text.matchAll(/\bshoal_[a-z_]+\b/g)].map(([name]) => name));
    const unknown = [...named].filter((name) => !known.has(name.replace(/_bucket$/, '')));
    expect(unknown).toEqual([]);
  });
});
