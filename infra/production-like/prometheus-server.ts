// Prometheus on one machine with Shoal's rules, scraping the services it is told of. The
// production-like set runs it.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChildServer } from '../local/child-server.ts';
import { freePort } from '../local/free-port.ts';

const rulesFile = fileURLToPath(new URL('../prometheus/shoal.rules.yml', import.meta.url));

export interface ScrapedServices {
  /** `host:port` of each. */
  readonly ingests: readonly string[];
  readonly trackers: readonly string[];
}

/** JSON is YAML, too. */
function configurationOf({ ingests, trackers }: ScrapedServices): string {
  return JSON.stringify({
    global: { scrape_interval: '5s', evaluation_interval: '15s' },
    rule_files: [rulesFile],
    scrape_configs: [
      { job_name: 'shoal-ingest', static_configs: [{ targets: ingests }] },
      { job_name: 'shoal-tracker', static_configs: [{ targets: trackers }] },
    ],
  });
}

export class PrometheusServer {
  readonly url: string;
  readonly #directory: string;
  readonly #server: ChildServer;

  private constructor(port: number, directory: string, server: ChildServer) {
    this.url = `http://127.0.0.1:${port}`;
    this.#directory = directory;
    this.#server = server;
  }

  static async start(services: ScrapedServices): Promise<PrometheusServer> {
    const directory = await mkdtemp(path.join(tmpdir(), 'shoal-prometheus-'));
    const file = path.join(directory, 'prometheus.yml');
    await writeFile(file, configurationOf(services));
    const port = await freePort();
    const server = await ChildServer.start({
      command: 'prometheus',
      arguments: [
        ...[`--config.file=${file}`, `--storage.tsdb.path=${path.join(directory, 'data')}`],
        ...[`--web.listen-address=127.0.0.1:${port}`, '--log.level=warn'],
      ],
      ports: [port],
    });
    return new PrometheusServer(port, directory, server);
  }

  /** Services that answered the last scrape, by job. */
  async healthyTargets(): Promise<readonly string[]> {
    const response = await fetch(`${this.url}/api/v1/targets?state=active`);
    const { data } = await response.json();
    return data.activeTargets
      .filter((target: { health: string }) => target.health === 'up')
      .map((target: { labels: { job: string } }) => target.labels.job)
      .toSorted();
  }

  async close(): Promise<void> {
    await this.#server.kill();
    await rm(this.#directory, { recursive: true, force: true });
  }
}
