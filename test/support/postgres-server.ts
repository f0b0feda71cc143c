// The PostgreSQL of the tests: the one of the production-like set.

export { PostgresServer } from '../../infra/production-like/postgres-server.ts';
