// docs/player-api.md against the code: every exported name, option, event, statistic, attribute, member
// and failure of the player is explained there, and the examples are listed.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { shoalDefaults } from '../../../player/config.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const documentation = read('docs/player-api.md');

/** Names in code spans, also as the beginning of a call. */
const explained = new Set(
  [...documentation.matchAll(/`([^`\n]+)`/g)].flatMap(
    ([, span = '']) => span.match(/[\w-]+/g) ?? [],
  ),
);

function missing(names: readonly string[]): string[] {
  expect(names.length).toBeGreaterThan(0);
  return names.filter((name) => !explained.has(name));
}

/** The names that `export` statements of a file give to others. */
function exportedNames(file: string): string[] {
  return [...read(file).matchAll(/export (?:type )?\{([^}]+)\}/g)].flatMap(([, list = '']) =>
    list
      .split(',')
      .map((name) => name.replace(/^\s*type /, '').trim())
      .filter((name) => name !== ''),
  );
}

/** The lines between an interface's braces. */
function bodyOf(file: string, declaration: string): string {
  const text = read(file);
  const start = text.indexOf(declaration);
  expect(start, `${declaration} in ${file}`).toBeGreaterThanOrEqual(0);
  return text.slice(start, text.indexOf('\n}', start));
}

const memberNames = (body: string): string[] => [
  ...new Set(
    [...body.matchAll(/^ {2}(?:readonly )?'?([\w-]+)'?[?(<:]/gm)].map(([, name = '']) => name),
  ),
];

describe('the documentation of the player’s API', () => {
  it('names every export', () => {
    const names = [...exportedNames('player/index.ts'), ...exportedNames('player/plugin.ts')];
    expect(missing(names)).toEqual([]);
  });

  it('names every option with its default', () => {
    expect(
      missing(memberNames(bodyOf('player/config.ts', 'export interface ShoalConfig'))),
    ).toEqual([]);
    for (const [name, value] of Object.entries(shoalDefaults)) {
      const row = documentation.split('\n').find((line) => line.startsWith(`| \`${name}\``));
      const text = typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
      expect(row, name).toContain(` ${typeof value === 'number' ? text : `\`${text}\``} |`);
    }
  });

  it('names every member and event of `hls.shoal` and every statistic', () => {
    const interfaces = [
      ...memberNames(bodyOf('player/session.ts', 'export interface ShoalSession')),
      ...memberNames(bodyOf('player/session.ts', 'export interface ShoalEvents')),
      ...memberNames(bodyOf('player/stats.ts', 'export interface PlayerStats')),
    ];
    expect(missing(interfaces)).toEqual([]);
  });

  it('names every attribute, member and event of the element', async () => {
    const { ShoalPlayer } = await import('../../../player/shoal-player.ts');
    expect(missing(ShoalPlayer.observedAttributes)).toEqual([]);
    const inherited =
      /^(?:constructor|connectedCallback|disconnectedCallback|attributeChangedCallback)$/;
    const members = Object.getOwnPropertyNames(ShoalPlayer.prototype);
    expect(missing(members.filter((name) => !inherited.test(name)))).toEqual([]);
    const events = [...read('player/shoal-player.ts').matchAll(/new (?:Custom)?Event\('([^']+)'/g)];
    expect(missing(events.map(([, name = '']) => name))).toEqual([]);
  });

  it('names every state and every failure', () => {
    const states = bodyOf('player/ui/playback-state.ts', 'export type PlaybackFailure');
    const until = states.slice(0, states.indexOf('export interface'));
    expect(missing([...until.matchAll(/'([\w-]+)'/g)].map(([, name = '']) => name))).toEqual([]);
  });
});

describe('the list of examples', () => {
  it('links every page, and only pages that are there', () => {
    const list = read('player/examples/README.md');
    const linked = [...list.matchAll(/\]\((?!https?:|\.\.)([^)]+)\)/g)].map(
      ([, name = '']) => name,
    );
    const pages = readdirSync(path.join(root, 'player/examples')).filter((name) =>
      /\.(?:html|jsx)$/.test(name),
    );
    expect([...linked].sort()).toEqual(pages.sort());
    expect(linked.filter((name) => !existsSync(path.join(root, 'player/examples', name)))).toEqual(
      [],
    );
  });
});
