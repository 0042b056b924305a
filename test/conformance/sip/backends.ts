import { systemClock } from '../../../src/shared/clock.ts';
import { silentLog } from '../../../src/shared/log.ts';
import { startSipServer, type SipServer, type SipServerStats } from '../../../src/sip/server.ts';
import { drachtioServer, type DrachtioServer } from '../../support/drachtio.ts';
import { SipPeer } from '../../support/sip-peer.ts';
import { attach, connect, disconnect, newApplication, type Application } from '../../support/srf-application.ts';

/** One server with an application and a phone beside it. */
export interface World {
  readonly application: Application;
  readonly peer: SipPeer;
  /** Where the server listens on UDP, 127.0.0.1. */
  readonly port: number;
  /** One more application, connected like the first. */
  another(): Promise<Application>;
  /** What the server counts; undefined where it does not tell. */
  stats(): SipServerStats | undefined;
  close(): Promise<void>;
}

export interface Backend {
  readonly name: string;
  /** The built-in server: timers are short and more may be asked of it than drachtio-server does. */
  readonly builtIn: boolean;
  /** Several applications may connect. */
  readonly severalApplications: boolean;
  /** T1 of the server, milliseconds. */
  readonly t1: number;
  start(): Promise<World>;
}

/** Short enough that 64*T1 passes within a test, long enough that a busy machine does not retransmit what is on its way. */
const timers = { t1: 25, t2: 100, t4: 50 };
const secret = 'cymru';

async function builtIn(control: 'in-process' | 'tcp'): Promise<World> {
  const server = await startSipServer({
    listen: ['udp://127.0.0.1:0', 'tcp://127.0.0.1:0'],
    control: control === 'tcp' ? { address: '127.0.0.1', port: 0, secret } : 'in-process',
    clock: systemClock,
    log: silentLog,
    timers,
  });
  const applications: Application[] = [];
  const another = async (): Promise<Application> => {
    const application = newApplication();
    await join(application, server);
    applications.push(application);
    return application;
  };
  const peer = await SipPeer.open();
  return {
    application: await another(),
    peer,
    port: Number(server.listening[0]?.split(':').at(-1)),
    another,
    stats: () => server.stats(),
    async close() {
      if (control === 'tcp') for (const application of applications) disconnect(application);
      await peer.close();
      await server.close();
    },
  };
}

async function join(application: Application, server: SipServer): Promise<void> {
  const address = server.controlAddress;
  if (address) await connect(application, { host: address.address, port: address.port, secret });
  else await attach(application, server);
}

async function external(options: DrachtioServer): Promise<World> {
  const applications: Application[] = [];
  const peer = await SipPeer.open();
  const join = async (): Promise<{ application: Application; hostPorts: string }> => {
    const application = newApplication();
    applications.push(application);
    application.use('invite', (_req, _res, next) => next()); // so that its route goes out with the connection
    const hostPorts = await connect(application, options);
    // What the server does for us comes after the route: no INVITE of a test is faster than that.
    const asked = application.request(`sip:127.0.0.1:${peer.port}`, { method: 'OPTIONS' });
    peer.answer(await peer.request('OPTIONS'), 200);
    await asked;
    return { application, hostPorts };
  };
  const { application, hostPorts } = await join();
  return {
    application,
    peer,
    port: Number(/udp\/[^,]*:(\d+)/.exec(hostPorts)?.[1]),
    another: async () => (await join()).application,
    stats: () => undefined,
    async close() {
      for (const one of applications) disconnect(one);
      await peer.close();
    },
  };
}

/** The servers that the suite runs against: the built-in one in both ways, and a drachtio-server where DRACHTIO_URL names one. */
export const backends: Backend[] = [
  {
    name: 'built-in, in the same process',
    builtIn: true,
    severalApplications: true,
    t1: timers.t1,
    start: () => builtIn('in-process'),
  },
  {
    name: 'built-in, control over TCP',
    builtIn: true,
    severalApplications: true,
    t1: timers.t1,
    start: () => builtIn('tcp'),
  },
];

if (drachtioServer) {
  const server = drachtioServer;
  backends.push({
    name: `drachtio-server at ${server.host}:${server.port}`,
    builtIn: false,
    severalApplications: true,
    t1: 500,
    start: () => external(server),
  });
}
