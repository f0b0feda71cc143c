// The real Redis of the production-like set, for tests: on a free port and without a disk, started,
// killed and started again.

export { RedisServer } from '../../infra/production-like/redis-server.ts';
