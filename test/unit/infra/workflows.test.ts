// The workflows by what they say: each is YAML, runs what .ci/run runs, on the Nodes that package.json
// promises, and names only targets of the Dockerfile.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { packageFolder } from '../../../infra/local/build-player-package.ts';
import {
  at,
  isRecord,
  records,
  strings,
  textOf,
  yamlDocuments,
} from '../../support/deployment-files.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const [ci] = yamlDocuments('.github/workflows/ci.yml');
const [release] = yamlDocuments('.github/workflows/release.yml');
const jobs = [ci, release].flatMap((workflow) => {
  const all = at(workflow, 'jobs');
  return isRecord(all) ? Object.values(all) : [];
});

describe('the workflows', () => {
  it('run .ci/run on the oldest Node that is supported and on newer ones', () => {
    const { engines } = JSON.parse(textOf('package.json'));
    const versions = strings(at(ci, 'jobs', 'all', 'strategy', 'matrix', 'node'));
    expect(`>=${versions[0]}.0`).toBe(engines.node);
    expect(versions).toEqual(['20.19', '22', '24']);
    const commands = records(at(ci, 'jobs', 'all', 'steps')).map(({ run }) => String(run ?? ''));
    expect(commands.some((command) => command.endsWith('bash .ci/run'))).toBe(true);
  });

  it('build the targets that the Dockerfile has', () => {
    const stages = [...textOf('infra/images/Dockerfile').matchAll(/^FROM \S+ AS (\S+)$/gm)];
    const names = stages.map(([, name]) => name);
    const targets = jobs.flatMap((job) => strings(at(job, 'strategy', 'matrix', 'target')));
    expect(targets).toHaveLength(6);
    expect(targets.filter((target) => !names.includes(target))).toEqual([]);
  });

  it('publish what the build puts together, with its provenance', () => {
    const steps = records(at(release, 'jobs', 'npm', 'steps'));
    const commands = steps.map(({ run }) => String(run ?? ''));
    const publish = steps.find(({ run }) => String(run ?? '').startsWith('npm publish'));
    expect(publish?.run).toContain('--provenance');
    expect(publish?.['working-directory']).toBe(path.relative(root, packageFolder));
    expect(commands.indexOf('npm run build')).toBeLessThan(steps.indexOf(publish ?? {}));
    expect(at(release, 'jobs', 'npm', 'permissions', 'id-token')).toBe('write');
  });

  it('may do no more than they need, for a bounded time', () => {
    for (const workflow of [ci, release]) {
      expect(at(workflow, 'permissions')).toEqual({ contents: 'read' });
    }
    for (const job of jobs) expect(Number(at(job, 'timeout-minutes'))).toBeGreaterThan(0);
  });
});
