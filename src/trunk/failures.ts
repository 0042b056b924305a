import type { TargetFailure } from '../call/ports.ts';

type Reason = TargetFailure['reason'];

/**
 * What a final response of the target's side means, and the Q.850 cause that goes with it when the response names
 * none (3GPP TS 29.163 7.2.3.2.5, RFC 3398 8.2.6.1). A status that is not here counts as its class.
 */
const meanings: Readonly<Record<number, { reason: Reason; q850: number }>> = {
  300: { reason: 'target-unreachable', q850: 127 }, // redirections are not followed (RFC 3261 8.1.3.4)
  400: { reason: 'target-unreachable', q850: 41 },
  401: { reason: 'failed', q850: 21 },
  402: { reason: 'target-refused', q850: 21 },
  403: { reason: 'target-refused', q850: 21 },
  404: { reason: 'target-unreachable', q850: 1 },
  405: { reason: 'failed', q850: 63 },
  406: { reason: 'failed', q850: 79 },
  407: { reason: 'failed', q850: 21 },
  408: { reason: 'target-no-answer', q850: 102 },
  410: { reason: 'target-unreachable', q850: 22 },
  413: { reason: 'failed', q850: 127 },
  414: { reason: 'failed', q850: 127 },
  415: { reason: 'failed', q850: 79 },
  416: { reason: 'failed', q850: 127 },
  420: { reason: 'failed', q850: 127 },
  421: { reason: 'failed', q850: 127 },
  433: { reason: 'target-refused', q850: 21 }, // anonymous calls are refused (RFC 5079)
  480: { reason: 'target-no-answer', q850: 18 },
  481: { reason: 'target-unreachable', q850: 41 },
  482: { reason: 'target-unreachable', q850: 25 },
  483: { reason: 'target-unreachable', q850: 25 },
  484: { reason: 'target-unreachable', q850: 28 },
  485: { reason: 'target-unreachable', q850: 1 },
  486: { reason: 'target-busy', q850: 17 },
  487: { reason: 'target-no-answer', q850: 127 },
  488: { reason: 'failed', q850: 65 },
  500: { reason: 'target-unreachable', q850: 41 },
  501: { reason: 'target-unreachable', q850: 79 },
  502: { reason: 'target-unreachable', q850: 38 },
  503: { reason: 'target-unreachable', q850: 41 },
  504: { reason: 'target-unreachable', q850: 102 },
  505: { reason: 'target-unreachable', q850: 127 },
  513: { reason: 'target-unreachable', q850: 127 },
  600: { reason: 'target-busy', q850: 17 },
  603: { reason: 'target-refused', q850: 21 },
  604: { reason: 'target-unreachable', q850: 1 },
  606: { reason: 'failed', q850: 65 },
  607: { reason: 'target-refused', q850: 21 }, // unwanted (RFC 8197)
  608: { reason: 'target-refused', q850: 21 }, // rejected (RFC 8688)
};

/**
 * The failure that a final response (300 to 699) of a target means; a Q.850 cause in its Reason header wins over
 * the one that its status is mapped to.
 */
export function failureOf(status: number, q850?: number): TargetFailure {
  const meaning = meanings[status] ?? classMeaning(status);
  return { reason: meaning.reason, status, q850: q850 ?? meaning.q850 };
}

function classMeaning(status: number): { reason: Reason; q850: number } {
  const hundreds = Math.floor(status / 100);
  if (hundreds === 6) return { reason: 'target-refused', q850: 21 };
  return { reason: 'target-unreachable', q850: hundreds === 5 ? 41 : 127 };
}

/**
 * Whether the next gateway may do better: this one was not reached, has no time or is broken. Everything else is
 * the answer of the number itself and final.
 */
export function isGatewayFault(status: number, locally: boolean): boolean {
  if (locally) return status === 408 || status >= 500;
  return status >= 500 && status < 600 && status !== 580;
}
