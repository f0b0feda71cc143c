// The Dockerfile by its instructions: that it is one, what it copies exists, and that what it makes
// runs without rights, is checked, and has nothing of the development in it.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { validate } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { edgeWords, wordsIn } from '../../../infra/edge/edge-template.ts';
import { parseEnvironment } from '../../../ingest/environment.ts';
import { repositoryRoot, textOf } from '../../support/deployment-files.ts';

const file = 'infra/images/Dockerfile';

interface Stage {
  readonly name: string;
  readonly base: string;
  readonly lines: readonly string[];
}

function stagesOf(text: string): readonly Stage[] {
  const joined = text.replaceAll(/^\s*#.*\n/gm, '').replaceAll(/\\\n\s*/g, '');
  return joined
    .split(/^FROM /m)
    .slice(1)
    .map((part) => {
      const [first = '', ...lines] = part.split('\n');
      const [, base = '', name = ''] = /^(\S+) AS (\S+)$/.exec(first) ?? [];
      return { name, base, lines: lines.filter((line) => line.trim() !== '') };
    });
}

const stages = stagesOf(textOf(file));
const images = stages.filter(({ name }) => ['ingest', 'tracker', 'edge'].includes(name));

function environmentOf({ lines }: Stage): Record<string, string> {
  const text = lines.filter((line) => line.startsWith('ENV ')).join(' ');
  const pairs = [...text.matchAll(/([A-Z][A-Z0-9_]*)=("[^"]*"|\S*)/g)];
  return Object.fromEntries(pairs.map(([, name, value = '']) => [name, value.replaceAll('"', '')]));
}

describe('the Dockerfile', () => {
  it('is without a complaint of the linter', () => {
    expect(validate(textOf(file))).toEqual([]);
  });

  it('copies only what is in the repository or made by an earlier stage', () => {
    const names = stages.map(({ name }) => name);
    for (const { lines } of stages) {
      for (const line of lines.filter((each) => each.startsWith('COPY '))) {
        const from = /--from=(\S+)/.exec(line)?.[1];
        const [...sources] = line
          .replace(/^COPY (--from=\S+ )?/, '')
          .split(/\s+/)
          .slice(0, -1);
        if (from !== undefined) expect(names, line).toContain(from);
        else {
          for (const source of sources) {
            expect(existsSync(path.join(repositoryRoot, source)), line).toBe(true);
          }
        }
      }
    }
  });

  it('installs production dependencies alone, but the optional ones: the WebRTC binary is one', () => {
    const installs = stages.flatMap(({ name, lines }) =>
      lines.filter((line) => line.includes('npm ci')).map((line) => [name, line] as const),
    );
    for (const [name, line] of installs) {
      if (name !== 'build') expect(line).toContain('--omit=dev');
      expect(line).not.toContain('--omit=optional');
    }
    expect(installs).toHaveLength(3);
    for (const { lines } of images) {
      expect(lines.filter((line) => line.includes('npm '))).toEqual([]);
    }
  });

  it.each(images.map((image) => [image.name, image] as const))(
    'makes an image of %s that has no rights and says whether it is well',
    (name, image) => {
      const user = image.lines.some((line) => line === 'USER node');
      expect(user || image.base.includes('unprivileged')).toBe(true);
      const health = image.lines.find((line) => line.startsWith('HEALTHCHECK '));
      const port = { ingest: '8080', tracker: '8090', edge: '8080' }[name];
      const route = name === 'edge' ? '/edge/health' : '/healthz';
      expect(health).toContain(`http://127.0.0.1:${port}${route}`);
      expect(image.lines.some((line) => line.startsWith(`EXPOSE ${port}`))).toBe(true);
      expect(image.base).not.toMatch(/:latest$|^[^:]+$/);
    },
  );

  it('sets variables that the services take', () => {
    for (const image of images) {
      const entries = Object.entries(environmentOf(image));
      const ours = entries.filter(([name]) => name.startsWith('SHOAL_'));
      expect(() => parseEnvironment(Object.fromEntries(ours))).not.toThrow();
    }
  });

  it('fills in every word of the edge’s template', () => {
    const edge = images.find(({ name }) => name === 'edge');
    const words = wordsIn(textOf('infra/edge/templates/shoal.conf.template'));
    const given = edge === undefined ? {} : environmentOf(edge);
    expect(words.filter((word) => !(word in given))).toEqual([]);
    const none = { ingests: [], trackers: [], cacheDirectory: '', cacheSize: '', accessLog: '' };
    const known = edgeWords({ ...none, port: 1, trackerPort: 2, tls: null });
    expect(words.filter((word) => !(word in known))).toEqual([]);
  });
});
