// What a final response means: to the person who called the number, to a network that speaks ISUP, and to the next gateway.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failureOf, isGatewayFault } from '../../../src/trunk/failures.ts';

describe('a final response', () => {
  for (const [reason, statuses] of [
    ['target-busy', [486, 600]],
    ['target-refused', [402, 403, 433, 603, 607, 608, 699]],
    ['target-no-answer', [408, 480, 487]],
    [
      'target-unreachable',
      [300, 302, 400, 404, 410, 481, 482, 483, 484, 485, 499, 500, 501, 502, 503, 504, 505, 513, 599, 604],
    ],
    ['failed', [401, 405, 406, 407, 413, 414, 415, 416, 420, 421, 488, 606]], // the number might well be there
  ] as const) {
    test(`${statuses.join(', ')}: ${reason}`, () => {
      for (const status of statuses) assert.deepEqual([status, failureOf(status).reason], [status, reason]);
    });
  }

  test('has the Q.850 cause of RFC 3398 8.2.6.1', () => {
    for (const [q850, statuses] of [
      [1, [404, 485, 604]],
      [17, [486, 600]],
      [18, [480]],
      [21, [401, 402, 403, 407, 603]],
      [22, [410]],
      [25, [482, 483]],
      [28, [484]],
      [38, [502]],
      [41, [400, 481, 500, 503]],
      [63, [405]],
      [79, [406, 415, 501]],
      [102, [408, 504]],
      [127, [413, 414, 416, 420, 421, 487, 505, 513]],
    ] as const) {
      for (const status of statuses) assert.deepEqual(failureOf(status), { ...failureOf(status), status, q850 });
    }
  });

  test('has that of its meaning or its class where RFC 3398 has none', () => {
    for (const [q850, statuses] of [
      [21, [433, 607, 608, 699]],
      [41, [599]],
      [65, [488, 606]], // bearer capability not implemented
      [127, [300, 302, 499]],
    ] as const) {
      for (const status of statuses) assert.deepEqual([status, failureOf(status).q850], [status, q850]);
    }
  });

  test('that names a cause itself has that', () => assert.equal(failureOf(480, 20).q850, 20));

  test('is tried elsewhere where the gateway could not, or was not reached', () => {
    const elsewhere = (locally: boolean) =>
      [404, 408, 480, 486, 500, 503, 580, 599, 600, 603].filter((status) => isGatewayFault(status, locally));
    assert.deepEqual(elsewhere(false), [500, 503, 599]);
    assert.deepEqual(elsewhere(true), [408, 500, 503, 580, 599, 600, 603]);
  });
});
