// The Kubernetes manifests against the API's own types, which refuse fields that do not exist, and
// against each other: names, ports, labels, variables.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { wordsIn } from '../../../infra/edge/edge-template.ts';
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

const base = 'infra/kubernetes/base';
const overlay = 'infra/kubernetes/overlays/example';
const resourcesOf = (folder: string): readonly string[] =>
  strings(at(yamlDocuments(`${folder}/kustomization.yaml`)[0], 'resources'));

const files = [
  ...resourcesOf(base).map((file) => `${base}/${file}`),
  ...resourcesOf(overlay)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => `${overlay}/${file}`),
];
const objects = files.flatMap(yamlDocuments).filter(isRecord);
const ofKind = (kind: string) => objects.filter((object) => object.kind === kind);
const nameOf = (object: unknown): string => String(at(object, 'metadata', 'name'));
const workloads = [...ofKind('StatefulSet'), ...ofKind('Deployment')];
const podOf = (workload: unknown): unknown => at(workload, 'spec', 'template', 'spec');
const containersOf = (workload: unknown) => records(at(podOf(workload), 'containers'));

const scratch = path.join(repositoryRoot, 'node_modules/.cache/shoal-kubernetes');

/** Where the types of an API version are, and what the type of a kind is called. */
function typeOf(object: Readonly<Record<string, unknown>>): { module: string; name: string } {
  const version = String(object.apiVersion);
  return { module: `kubernetes-models/${version}`, name: `I${object.kind}` };
}

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('the Kubernetes manifests', () => {
  it('are what the API’s types allow, without a field that does not exist', () => {
    const lines = objects.map((object, index) => {
      const { module, name } = typeOf(object);
      const literal = JSON.stringify(object);
      return `import type { ${name} as T${index} } from '${module}';\nexport const o${index}: T${index} = ${literal};`;
    });
    mkdirSync(scratch, { recursive: true });
    writeFileSync(path.join(scratch, 'manifests.ts'), lines.join('\n'));
    const tsc = path.join(repositoryRoot, 'node_modules/.bin/tsc');
    const flags = ['--noEmit', '--ignoreConfig', '--strict', '--skipLibCheck', '--types', ''];
    const options = ['--module', 'nodenext', '--target', 'es2022'];
    let problems = '';
    try {
      execFileSync(tsc, [...flags, ...options, path.join(scratch, 'manifests.ts')], {
        encoding: 'utf8',
        cwd: scratch,
      });
    } catch (error) {
      problems = String(at(error, 'stdout'));
    }
    expect(problems).toBe('');
  }, 60_000);

  it('name every file that is there, and no other', () => {
    for (const file of files) expect(existsSync(path.join(repositoryRoot, file)), file).toBe(true);
    expect(resourcesOf(overlay)).toContain('../../base');
    expect(new Set(objects.map((object) => `${object.kind}/${nameOf(object)}`)).size).toBe(
      objects.length,
    );
  });

  it('select pods that exist, by ports that they have', () => {
    const pods = workloads.map((workload) => ({
      labels: Object(at(workload, 'spec', 'template', 'metadata', 'labels')),
      name: nameOf(workload),
      ports: containersOf(workload).flatMap(({ ports }) => records(ports)),
    }));
    for (const service of ofKind('Service')) {
      const selector = Object.entries(Object(at(service, 'spec', 'selector')));
      const ports = records(at(service, 'spec', 'ports')).map(
        ({ targetPort, port }) => targetPort ?? port,
      );
      const selected = pods.filter(({ labels, name }) =>
        selector.every(([key, value]) =>
          key === 'statefulset.kubernetes.io/pod-name'
            ? new RegExp(`^${name}-\\d+$`).test(String(value))
            : labels[key] === value,
        ),
      );
      expect(selected, nameOf(service)).toHaveLength(1);
      const known = selected.flatMap((pod) => pod.ports.map(({ containerPort }) => containerPort));
      expect(
        ports.filter((port) => !known.includes(port)),
        nameOf(service),
      ).toEqual([]);
    }
  });

  it('have a Service and a place at the edge for each tracker', () => {
    const tracker = workloads.find((workload) => nameOf(workload) === 'tracker');
    const count = Number(at(tracker, 'spec', 'replicas'));
    const expected = Array.from({ length: count }, (_, index) => `tracker-${index}`);
    const named = ofKind('Service')
      .map(nameOf)
      .filter((name) => /^tracker-\d+$/.test(name));
    expect(named).toEqual(expected);
    const edge = workloads.find((workload) => nameOf(workload) === 'edge');
    const servers = records(containersOf(edge)[0]?.env).find(
      ({ name }) => name === 'EDGE_TRACKERS',
    );
    const inEdge = [...String(servers?.value).matchAll(/server (\S+):8090 /g)].map(
      ([, name]) => name,
    );
    expect(inEdge).toEqual(expected);
  });

  it('give our services only variables that exist, with values that they take', () => {
    const [settings] = ofKind('ConfigMap');
    const shared = Object(at(settings, 'data'));
    const secrets = { ingest: 'ingest.env.example', tracker: 'tracker.env.example' } as const;
    for (const [name, example] of Object.entries(secrets)) {
      const workload = workloads.find((each) => nameOf(each) === name);
      const own = records(containersOf(workload)[0]?.env)
        .filter((variable) => String(variable.name).startsWith('SHOAL_'))
        .map(({ name: key, value }) => [key, String(value).replace('$(HOST_IP)', '203.0.113.10')]);
      const secret = textOf(`${overlay}/${example}`)
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
      const all = { ...shared, ...Object.fromEntries(own), ...Object.fromEntries(secret) };
      expect(() => parseEnvironment(all), name).not.toThrow();
      expect(envNames(`${overlay}/${example}`).length).toBeGreaterThan(0);
    }
    const ingest = workloads.find((each) => nameOf(each) === 'ingest');
    const [http] = records(containersOf(ingest)[0]?.ports);
    expect(String(http?.containerPort)).toBe(environmentVariables.SHOAL_INGEST_PORT.defaultText);
    const words = wordsIn(textOf('infra/edge/templates/shoal.conf.template'));
    const edge = workloads.find((each) => nameOf(each) === 'edge');
    const given = records(containersOf(edge)[0]?.env).map((variable) => String(variable.name));
    expect(given.filter((name) => !words.includes(name))).toEqual([]);
  });

  it('run everything without rights, within limits, and with probes', () => {
    expect(workloads.map(nameOf).toSorted()).toEqual(['edge', 'ingest', 'tracker', 'valkey']);
    for (const workload of workloads) {
      const name = nameOf(workload);
      const pod = podOf(workload);
      expect(at(pod, 'securityContext', 'runAsNonRoot'), name).toBe(true);
      expect(at(pod, 'automountServiceAccountToken'), name).toBe(false);
      for (const container of containersOf(workload)) {
        expect(at(container, 'securityContext'), name).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(at(container, 'resources', 'limits', 'memory'), name).toBeDefined();
        expect(at(container, 'readinessProbe'), name).toBeDefined();
        expect(at(container, 'livenessProbe'), name).toBeDefined();
      }
    }
  });

  it('let an Ingress, an autoscaler and a budget speak of what exists', () => {
    const names = new Set(workloads.map(nameOf));
    for (const scaler of ofKind('HorizontalPodAutoscaler')) {
      expect(names.has(String(at(scaler, 'spec', 'scaleTargetRef', 'name')))).toBe(true);
    }
    for (const budget of ofKind('PodDisruptionBudget')) expect(names).toContain(nameOf(budget));
    const edgePorts = records(
      at(
        ofKind('Service').find((service) => nameOf(service) === 'edge'),
        'spec',
        'ports',
      ),
    ).map(({ name }) => name);
    for (const rule of ofKind('Ingress').flatMap((ingress) =>
      records(at(ingress, 'spec', 'rules')),
    )) {
      for (const route of records(at(rule, 'http', 'paths'))) {
        expect(at(route, 'backend', 'service', 'name')).toBe('edge');
        expect(edgePorts).toContain(at(route, 'backend', 'service', 'port', 'name'));
      }
    }
  });
});
