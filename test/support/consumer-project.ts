// A site's own project beside the repository: `@shoal/player` installed from the packed tarball, hls.js in
// a version of its choice. `player-package.test.ts` compiles and bundles in it.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

export interface PackedPackage {
  /** Path of the tarball. */
  readonly tarball: string;
  readonly fileNames: readonly string[];
}

/** Packs as `npm publish` would, into `folder`. */
export async function packPackage(packageFolder: string, folder: string): Promise<PackedPackage> {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: packageFolder,
  });
  const answer: unknown = JSON.parse(stdout);
  // npm lists the packages, or from version 12 on names them.
  const [packed] = Array.isArray(answer) ? answer : Object.values(answer ?? {});
  const fileNames = packed.files.map((file: { path: string }) => file.path);
  return { tarball: path.join(folder, path.basename(packed.filename)), fileNames };
}

export class ConsumerProject {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @param hlsPackage folder of node_modules that the project sees as `hls.js` */
  static async create(tarball: string, hlsPackage: string): Promise<ConsumerProject> {
    const folder = await mkdtemp(path.join(tmpdir(), 'shoal-consumer-'));
    const project = new ConsumerProject(folder);
    await project.write('package.json', JSON.stringify({ private: true, type: 'module' }));
    // The tarball brings all it needs but hls.js: no registry is asked.
    const flags = ['--offline', '--legacy-peer-deps', '--no-audit', '--no-fund'];
    await run('npm', ['install', ...flags, tarball], { cwd: folder });
    await project.#link('hls.js', hlsPackage);
    return project;
  }

  async write(name: string, content: string): Promise<string> {
    const file = path.join(this.folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
    return file;
  }

  /** What the compiler has to say, empty when it is content. */
  async typeErrors(options: Readonly<Record<string, unknown>>): Promise<string> {
    const compilerOptions = { noEmit: true, types: [], ...options };
    await this.write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
    try {
      await run(process.execPath, [tsc, '--project', this.folder]);
      return '';
    } catch (error) {
      if (error instanceof Error && 'stdout' in error) return String(error.stdout);
      throw error;
    }
  }

  /** Runs a module of the project in Node and gives what it printed. */
  async runInNode(code: string): Promise<string> {
    const file = await this.write('script.mjs', code);
    const { stdout } = await run(process.execPath, [file], { cwd: this.folder });
    return stdout.trim();
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async #link(name: string, target: string): Promise<void> {
    await symlink(
      path.join(root, 'node_modules', target),
      path.join(this.folder, 'node_modules', name),
    );
  }
}
