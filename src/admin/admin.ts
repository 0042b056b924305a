// The HTTP side for operators and their machines: is it alive, is it ready, what does it measure.
import type { Server } from 'node:http';
import fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { Clock } from '../shared/clock.ts';
import { Failure, messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import type { Metrics } from './metrics.ts';
import { readiness, type ReadyCheck } from './readiness.ts';

export type { Metrics, MetricSources } from './metrics.ts';
export type { ReadyCheck } from './readiness.ts';

/** The HTTP piece of the settings. */
export interface HttpSettings {
  /** Port 0: the machine chooses. */
  listen: { host: string; port: number };
  trustProxy: boolean;
}

export interface AdminOptions {
  settings: HttpSettings;
  /** By the name under which /ready reports them: store, sip, media, calls … */
  checks: Readonly<Record<string, ReadyCheck>>;
  metrics: Metrics;
  log: Logger;
  clock: Clock;
}

export interface Admin {
  /** For Socket.IO: it takes over its own path, everything else comes here. */
  readonly server: Server;
  /**
   * Resolves with the address that is listened on, as `http://127.0.0.1:8080`.
   * @throws Failure `address-in-use`, `bad-setting`
   */
  listen(): Promise<string>;
  /** Ends all connections and stops listening; idempotent. */
  close(): Promise<void>;
}

/** Nothing here takes a body of any size; milliseconds for slow senders. */
const limits = { bodyLimit: 64 * 1024, requestTimeout: 10_000, keepAliveTimeout: 5_000 };

const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

export function createAdmin({ settings, checks, metrics, clock, log: parent }: AdminOptions): Admin {
  const log = parent.child({ part: 'http' });
  const app = fastify({ ...limits, trustProxy: settings.trustProxy, forceCloseConnections: true });
  const ready = readiness(checks, clock);
  const begun = clock.monotonic();

  answerPlainly(app, log);
  app.get('/health', () => ({ status: 'alive', uptimeSeconds: Math.floor((clock.monotonic() - begun) / 1000) }));
  app.get('/ready', async (_request, reply) => {
    const outcome = await ready();
    return reply.code(outcome.ready ? 200 : 503).send(outcome);
  });
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));

  return {
    server: app.server,
    async listen() {
      try {
        return await app.listen(settings.listen);
      } catch (error) {
        throw listenFailure(error, settings.listen);
      }
    },
    close: () => app.close(),
  };
}

/** Headers and errors for all routes; what went wrong inside is logged, and not told to whoever asked. */
function answerPlainly(app: FastifyInstance, log: Logger): void {
  app.addHook('onSend', async (_request, reply, payload) => {
    for (const [name, value] of Object.entries(securityHeaders)) if (!reply.hasHeader(name)) reply.header(name, value);
    return Promise.resolve(payload);
  });
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send({ error: { code: 'not-found', message: `There is nothing at ${request.method} ${pathOf(request.url)}` } }),
  );
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return reply.code(status).send({ error: { code: 'bad-request', message: error.message } });
    log.error({ err: error, path: pathOf(request.url) }, 'a request could not be answered');
    return reply.code(500).send({ error: { code: 'internal', message: 'A fault of ringaway; its log says more' } });
  });
}

/** Without the query, which may hold what is nobody's business. */
function pathOf(url: string): string {
  return (url.split('?')[0] ?? '').slice(0, 200);
}

function listenFailure(error: unknown, { host, port }: HttpSettings['listen']): Failure {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    const says = `http.listen: ${host}:${port} is in use by another program; end it or choose another port`;
    return new Failure('address-in-use', says, { cause: error });
  }
  return new Failure('bad-setting', `http.listen: ${host}:${port} cannot be listened on: ${messageOf(error)}`, {
    cause: error,
  });
}
