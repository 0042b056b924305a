import { pino, type Logger as PinoLogger } from 'pino';

/** A structured log: `log.info({ callId }, 'what happened')`. Children carry their bindings into each line. */
export type Logger = PinoLogger;

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

/** Keys whose values never reach a log, wherever they stand in an object that is logged. */
const secretKeys = ['password', 'pin', 'token', 'secret', 'authorization', 'auth'];

/**
 * The log of a process: JSON lines on standard output; on a terminal (`pretty`), lines for people.
 */
export function createLogger(level: LogLevel, pretty: boolean): Logger {
  const redact = { paths: secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '[masked]' };
  const base = { level, redact, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!pretty) return pino(base, pino.destination({ dest: 1, sync: true }));
  return pino({ ...base, transport: { target: 'pino-pretty', options: { translateTime: 'SYS:HH:MM:ss.l' } } });
}

/** A log that says nothing, for parts that are used without one. */
export const silentLog: Logger = pino({ level: 'silent' });
