import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { silentLog } from '../../src/shared/log.ts';
import {
  parseListenAddress,
  TransportLayer,
  type Target,
  type TransportEvents,
  type TransportOptions,
} from '../../src/sip/transport/transport.ts';

/** A transport layer on loopback that is closed after the test. `listen`: `udp://127.0.0.1:0` and the like. */
export async function openLayer(
  context: TestContext,
  listen: readonly string[],
  options: Partial<TransportOptions> = {},
): Promise<TransportLayer> {
  const addresses = listen.map((text) => {
    const address = parseListenAddress(text);
    assert.ok(address, text);
    return address;
  });
  const layer = await TransportLayer.open(addresses, { log: silentLog, ...options });
  context.after(() => layer.close());
  return layer;
}

/** Where a layer listens, as a target for another. */
export function targetOf(layer: TransportLayer, index = 0): Target {
  const target = layer.listening[index];
  assert.ok(target);
  return { ...target };
}

/** The payload of the next `event`; one `wanted` does not accept is passed over. */
export function nextEvent<E extends keyof TransportEvents>(
  layer: TransportLayer,
  event: E,
  wanted: (...payload: TransportEvents[E]) => boolean = () => true,
): Promise<TransportEvents[E]> {
  return new Promise((resolve) => {
    const off = layer.on(event, (...payload) => {
      if (!wanted(...payload)) return;
      off();
      resolve(payload);
    });
  });
}
