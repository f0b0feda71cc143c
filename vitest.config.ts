import { defineConfig } from 'vitest/config';

const files = (...names: string[]): string[] =>
  names.map((name) => `test/integration/${name}.test.ts`);

// Small encoders, or a browser that sends, at the pace of a camera: two of them fit on a small machine.
const broadcastTests = files(
  'broadcast-source',
  'broadcast',
  'broadcaster',
  'lossy-network',
  'passthrough',
  'reconnection',
  'recordings',
  'transcoder',
  'whip-endpoint',
);

// Each of these takes the whole processor of a small machine, or is about how fast an encoder is.
const encodingTests = files(
  'frame-rate',
  'ingest-service',
  'multi-ingest',
  'player-package',
  'real-clients',
  'slow-encoder',
  'start',
);

const integration = { testTimeout: 60_000, hookTimeout: 60_000 };

// Projects by cost: `unit` and `contract` run in `npm run check`, all of them in `npm test`.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/contract/**/*.test.ts', 'test/*.test.ts'],
          // Generous: other programs may take the processor, and a unit test never waits for long.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...integration,
          // They wait for sockets, timers and other programs: two files at a time.
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          exclude: [...broadcastTests, ...encodingTests],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...integration,
          name: 'broadcast',
          include: broadcastTests,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...integration,
          name: 'encoding',
          include: encodingTests,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
