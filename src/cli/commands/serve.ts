import type { Command } from 'commander';
import { holdEnvironment, loadSettings, type Settings } from '../../config.ts';
import { systemClock, type Clock } from '../../shared/clock.ts';
import { withDeadline } from '../../shared/deadline.ts';
import { messageOf } from '../../shared/errors.ts';
import { createLogger, type Logger } from '../../shared/log.ts';
import { act } from '../context.ts';
import { fail } from '../failing.ts';

const help = `
SIGHUP: the certificates of SIP and media.engines are read again; calls and connections go on.
SIGTERM or SIGINT: no new calls; standing calls may go on for calls.drainWithin; then it ends with exit code 0.
A second signal ends it at once.

Examples:
  ringaway serve
  ringaway serve --config /etc/ringaway/ringaway.yaml
  RINGAWAY_LOG_LEVEL=debug ringaway serve`;

/** What drain and close may take beyond the time that the calls are given; milliseconds. */
const leaveToEnd = 10_000;

/** The service as main.ts starts it. */
export interface RunningService {
  readonly http: { readonly address: string };
  readonly sip: { readonly listening: readonly string[] };
  /** Takes what can change while it runs: the certificates of SIP, and the rtpengines of the settings, where they could be read. */
  reload(changed: Settings | undefined): Promise<void>;
  /** Takes no new calls; resolves when the last one is over, or calls.drainWithin has passed. */
  drain(): Promise<void>;
  /** Ends what still stands and writes everything. */
  close(): Promise<void>;
}

export interface ServiceTools {
  log: Logger;
  clock: Clock;
  /** How many promises failed without an owner since the start: faults of ours, for the metrics. */
  unhandledRejections: () => number;
}

export type StartService = (settings: Settings, tools: ServiceTools) => Promise<RunningService>;

/** `ringaway serve`. */
export function registerServe(program: Command): void {
  program
    .command('serve')
    .summary('run the service')
    .description('Run the service until a signal ends it.')
    .addHelpText('after', help)
    .action(
      act(async (context) => {
        const settings = context.settings();
        holdEnvironment();
        const { startRingaway } = await import('../../main.ts');
        // Whatever a half-started or half-closed part still holds open, the process ends here.
        process.exit(
          await serve(settings, startRingaway, () => loadSettings({ file: context.configFile })).then(
            () => 0,
            (error: unknown) => fail(error, context.json),
          ),
        );
      }),
    );
}

/** Runs the service until the first SIGTERM or SIGINT and its drain are over. */
export async function serve(settings: Settings, start: StartService, readAgain: () => Settings): Promise<void> {
  const { level, pretty } = settings.log;
  const log = createLogger(level, pretty === 'auto' ? process.stdout.isTTY : pretty);
  const unhandledRejections = watchFaults(log);
  const stopAsked = firstSignal(log);
  const service = await start(settings, { log, clock: systemClock, unhandledRejections });
  process.on('SIGHUP', () => void reload(service, readAgain, log));
  process.stderr.write(`${readyLine(settings, service)}\n`);
  const signal = await stopAsked;
  log.info({ signal }, 'the service is stopping: no new calls, standing ones may end');
  await withDeadline(
    systemClock,
    settings.calls.drainWithin + leaveToEnd,
    'the end of the calls',
    service.drain(),
  ).catch((error: unknown) => log.error({ err: error }, 'not all calls could be ended in good order'));
  await withDeadline(systemClock, leaveToEnd, 'closing', service.close());
  log.info('the service has stopped');
}

/** Never rejects: what cannot be read or used is logged, and stays as it was. */
async function reload(service: RunningService, readAgain: () => Settings, log: Logger): Promise<void> {
  let changed: Settings | undefined;
  try {
    changed = readAgain();
  } catch (error) {
    log.error(`SIGHUP: the settings are wrong, and stay as they were: ${messageOf(error)}`);
  }
  await service
    .reload(changed)
    .catch((error: unknown) => log.error(`SIGHUP: the settings are not used: ${messageOf(error)}`));
}

function readyLine({ trunks, media, store }: Settings, { http, sip }: RunningService): string {
  const names = trunks.map((trunk) => trunk.name).join(', ');
  const trunkText = names ? `trunks: ${names}` : 'no trunk is set, so no calls will come (see "ringaway config docs")';
  const storeText = store.kind === 'embedded' ? `store ${store.path}` : 'store MongoDB';
  return `ringaway is ready. SIP ${sip.listening.join(' ')}; terminals and health http://${http.address}; media ${media.mode}; ${storeText}; ${trunkText}`;
}

/** The first signal that asks to stop; the second ends the process at once. */
function firstSignal(log: Logger): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = (signal: NodeJS.Signals, number: number) => {
      if (asked) {
        log.warn({ signal }, 'second signal: ending at once');
        process.exit(128 + number);
      }
      asked = true;
      resolve(signal);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}

/** Faults of the program itself: a lost promise is logged and counted; after an uncaught exception nothing is sure. */
function watchFaults(log: Logger): () => number {
  let rejections = 0;
  process.on('unhandledRejection', (reason) => {
    rejections += 1;
    log.fatal({ err: reason }, 'a promise failed and nobody took care of it; the service goes on, please report it');
  });
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a fault that nothing caught; the service ends, please report it');
    process.exit(1);
  });
  return () => rejections;
}
