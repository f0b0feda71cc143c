// The object store of the tests: the one of the production-like set.

export { SwiftServer, swiftAccess } from '../../infra/production-like/swift-server.ts';
