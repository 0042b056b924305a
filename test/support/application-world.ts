import type { TestContext } from 'node:test';
import { systemClock } from '../../src/shared/clock.ts';
import { silentLog } from '../../src/shared/log.ts';
import { startSipServer, type SipServer, type SipServerOptions } from '../../src/sip/server.ts';
import { SipPeer } from './sip-peer.ts';
import { attach, newApplication, type Application } from './srf-application.ts';

/** The built-in SIP server, a drachtio-srf application on it, and a peer on the network. */
export interface ApplicationWorld {
  server: SipServer;
  peer: SipPeer;
  application: Application;
  detach: () => void;
  /** UDP port of the server. */
  port: number;
}

/** It ends with the test. */
export async function openApplicationWorld(
  t: TestContext,
  options: Partial<SipServerOptions> = {},
): Promise<ApplicationWorld> {
  const server = await startSipServer({
    listen: ['udp://127.0.0.1:0'],
    control: 'in-process',
    clock: systemClock,
    log: silentLog,
    ...options,
  });
  t.after(() => server.close());
  const peer = await SipPeer.open();
  t.after(() => peer.close());
  const application = newApplication();
  const detach = await attach(application, server);
  return { server, peer, application, detach, port: Number(server.listening[0]?.split(':').at(-1)) };
}
