// The exchange of whole segments on a core that was loaded elsewhere: Node cannot load it by its name.
// Headless viewers use it; pages use `load-p2p-media-loader.ts`.

import type { CoreModule, P2pMediaLoaderModule } from './p2p-media-loader-exchange.ts';

export async function exchangeOnCore(core: CoreModule): Promise<P2pMediaLoaderModule> {
  const { P2pMediaLoaderExchange } = await import('./p2p-media-loader-exchange.ts');
  return { ...core, P2pMediaLoaderExchange };
}
