// Homes for browsers on one machine: network namespaces behind one bridge, each with an uplink of its
// own that the kernel shapes. Needs root and iproute2; the Chromium benchmark lives in them.

import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** As deep as a home router's queue usually is not: deep queues are measured nowhere here. */
const queueMs = 100;
const burstBytes = 16 * 1024;

export class ShapedNamespaces {
  readonly #prefix = `shoal${process.pid % 10_000}`;
  readonly #folder: string;
  #count = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws when the machine does not let us: without root, or without iproute2 */
  static async create(): Promise<ShapedNamespaces> {
    if (process.getuid?.() !== 0)
      throw new Error(
        'Network namespaces with shaped lines can be made by root alone: run it as root.',
      );
    const homes = new ShapedNamespaces(await mkdtemp(path.join(tmpdir(), 'shoal-homes-')));
    await run('ip', ['link', 'add', homes.#bridge, 'type', 'bridge']);
    await run('ip', ['addr', 'add', `${homes.hostAddress}/24`, 'dev', homes.#bridge]);
    await run('ip', ['link', 'set', homes.#bridge, 'up']);
    return homes;
  }

  /** This machine, as those who live in the namespaces see it. */
  get hostAddress(): string {
    return '10.213.77.1';
  }

  /**
   * A new home.
   * @param uplinkBps `null` for no limit
   * @returns a program that starts Chromium in it
   */
  async add(uplinkBps: number | null): Promise<string> {
    const index = this.#count;
    this.#count += 1;
    const name = `${this.#prefix}-${index}`;
    const [outside, inside] = [`${this.#prefix}o${index}`, `${this.#prefix}i${index}`];
    const within = (...command: string[]) => run('ip', ['netns', 'exec', name, ...command]);
    await run('ip', ['netns', 'add', name]);
    await run('ip', ['link', 'add', outside, 'type', 'veth', 'peer', 'name', inside]);
    await run('ip', ['link', 'set', outside, 'master', this.#bridge, 'up']);
    await run('ip', ['link', 'set', inside, 'netns', name]);
    await within('ip', 'addr', 'add', `10.213.77.${10 + index}/24`, 'dev', inside);
    await within('ip', 'link', 'set', 'lo', 'up');
    await within('ip', 'link', 'set', inside, 'up');
    // WebRTC offers no host candidate where there is no default route.
    await within('ip', 'route', 'add', 'default', 'via', this.hostAddress);
    if (uplinkBps !== null) {
      const shape = ['rate', `${Math.round(uplinkBps)}bit`, 'burst', `${burstBytes}`];
      await within(
        ...['tc', 'qdisc', 'add', 'dev', inside, 'root', 'tbf', ...shape],
        ...['latency', `${queueMs}ms`],
      );
    }
    const program = path.join(this.#folder, `chromium-${index}`);
    const chromium = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
    await writeFile(program, `#!/bin/sh\nexec ip netns exec ${name} ${chromium} "$@"\n`);
    await chmod(program, 0o755);
    return program;
  }

  async close(): Promise<void> {
    for (let index = 0; index < this.#count; index += 1)
      await run('ip', ['netns', 'del', `${this.#prefix}-${index}`]);
    await run('ip', ['link', 'del', this.#bridge]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #bridge(): string {
    return `${this.#prefix}b`;
  }
}
