import type { ErrorCode, LoginRefusalCode, RequestName, SessionEndReason } from './events.ts';

/** What the gateway has counted since it began; plain numbers, for /metrics. */
export interface TerminalCounters {
  /** Connected now. */
  terminals: number;
  accounts: number;
  logins: Record<'ok' | LoginRefusalCode, number>;
  /** Answers by request, then by `ok` or error code. */
  requests: Partial<Record<RequestName | 'unknown', Partial<Record<'ok' | ErrorCode, number>>>>;
  /** Notifications sent and acknowledged. */
  notified: number;
  received: number;
  /** Events without an acknowledgement function: ignored. */
  unacknowledgeable: number;
  /** Events refused because a terminal sent too many. */
  flooded: number;
  /** Handlers that threw: faults of ours. */
  faults: number;
  ended: Record<SessionEndReason, number>;
}

export function newCounters(): TerminalCounters {
  return {
    terminals: 0,
    accounts: 0,
    logins: {
      ok: 0,
      'bad-credentials': 0,
      'token-expired': 0,
      locked: 0,
      'too-many-terminals': 0,
      malformed: 0,
      unavailable: 0,
      internal: 0,
    },
    requests: {},
    notified: 0,
    received: 0,
    unacknowledgeable: 0,
    flooded: 0,
    faults: 0,
    ended: {
      'logged-out': 0,
      replaced: 0,
      'account-removed': 0,
      'password-changed': 0,
      'too-many-terminals': 0,
      flooding: 0,
      'service-down': 0,
    },
  };
}

/** Counts the answer to a request. */
export function countAnswer(
  counters: TerminalCounters,
  request: RequestName | 'unknown',
  outcome: 'ok' | ErrorCode,
): void {
  const answers = (counters.requests[request] ??= {});
  answers[outcome] = (answers[outcome] ?? 0) + 1;
}
