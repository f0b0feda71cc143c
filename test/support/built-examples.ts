// The pages of `player/examples` as a site's bundler makes them, with the addresses of a test instead of
// those of this machine's `npm start`. `player-plugin.test.ts` opens them.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { buildPlayerPackage } from '../../infra/local/build-player-package.ts';

const configFile = fileURLToPath(new URL('../../player/examples/vite.config.ts', import.meta.url));

export interface TestAddresses {
  readonly ingestUrl: string;
  readonly trackerUrl: string;
  readonly stream: string;
}

export class BuiltExamples {
  readonly folder: string;
  /** Names of the pages, without `.html`. */
  readonly names: readonly string[];

  private constructor(folder: string, names: readonly string[]) {
    this.folder = folder;
    this.names = names;
  }

  static async build(addresses: TestAddresses): Promise<BuiltExamples> {
    await buildPlayerPackage({ isForced: false });
    const folder = await mkdtemp(path.join(tmpdir(), 'shoal-examples-'));
    await build({ configFile, base: './', logLevel: 'error', build: { outDir: folder } });
    const files = await readdir(folder, { recursive: true });
    for (const file of files.filter((name) => /\.(?:html|js)$/.test(name))) {
      const text = await readFile(path.join(folder, file), 'utf8');
      await writeFile(path.join(folder, file), withAddresses(text, addresses));
    }
    const pages = files.filter((name) => name.endsWith('.html'));
    return new BuiltExamples(
      folder,
      pages.map((name) => path.basename(name, '.html')),
    );
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

function withAddresses(text: string, { ingestUrl, trackerUrl, stream }: TestAddresses): string {
  return text
    .replaceAll('http://localhost:8080/live/demo/', `http://localhost:8080/live/${stream}/`)
    .replaceAll('http://localhost:8080', ingestUrl)
    .replaceAll('ws://localhost:8090', trackerUrl);
}
