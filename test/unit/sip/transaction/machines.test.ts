import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inviteClient } from '../../../../src/sip/transaction/invite-client.ts';
import { inviteServer } from '../../../../src/sip/transaction/invite-server.ts';
import { nonInviteClient } from '../../../../src/sip/transaction/non-invite-client.ts';
import { nonInviteServer } from '../../../../src/sip/transaction/non-invite-server.ts';
import { IllegalEvent, type Step } from '../../../../src/sip/transaction/step.ts';

/** Walks a machine from `first` along `events` and tells all actions on the way and where it came to. */
function walk<State extends string, Event extends string, Action>(
  machine: (state: State, event: Event, reliable: boolean) => Step<State, Action>,
  first: State,
  events: readonly Event[],
  reliable = false,
): { state: State; actions: Action[] } {
  let state = first;
  const actions: Action[] = [];
  for (const event of events) {
    const step = machine(state, event, reliable);
    state = step.state;
    actions.push(...step.actions);
  }
  return { state, actions };
}

describe('INVITE client transaction (RFC 3261 17.1.1, RFC 6026 7.2)', () => {
  test('retransmits on unreliable transports until something comes, then gives up at timer B', () => {
    assert.deepEqual(walk(inviteClient, 'initial', ['start', 'timer A', 'timer B']), {
      state: 'terminated',
      actions: ['start timer A', 'start timer B', 'send request', 'send request', 'double timer A', 'report timeout'],
    });
    assert.deepEqual(walk(inviteClient, 'initial', ['start'], true).actions, ['start timer B', 'send request']);
  });

  test('acknowledges a failure and each copy of it, passes it up once', () => {
    const { state, actions } = walk(inviteClient, 'calling', ['1xx', '300-699', '300-699', 'timer D']);
    assert.equal(state, 'terminated');
    assert.equal(actions.filter((action) => action === 'send ACK').length, 2);
    assert.equal(actions.filter((action) => action === 'pass response up').length, 2);
    assert.equal(walk(inviteClient, 'calling', ['300-699'], true).state, 'terminated');
  });

  test('stays for the copies of a 2xx until timer M', () => {
    const { state, actions } = walk(inviteClient, 'calling', ['2xx', '2xx', '300-699', 'transport error', 'timer M']);
    assert.equal(state, 'terminated');
    assert.deepEqual(actions, ['stop timers A and B', 'start timer M', 'pass response up', 'pass response up']);
  });
});

describe('non-INVITE client transaction (RFC 3261 17.1.2)', () => {
  test('retransmits with doubling intervals, at T2 once there is a provisional response', () => {
    const { actions } = walk(nonInviteClient, 'initial', ['start', 'timer E', '1xx', 'timer E']);
    assert.deepEqual(actions, [
      'start timer E',
      'start timer F',
      'send request',
      'send request',
      'double timer E',
      'pass response up',
      'send request',
      'timer E at T2',
    ]);
  });

  test('passes one final response up and absorbs the others until timer K', () => {
    const { state, actions } = walk(nonInviteClient, 'trying', ['200-699', '200-699', 'timer K']);
    assert.equal(state, 'terminated');
    assert.equal(actions.filter((action) => action === 'pass response up').length, 1);
    assert.equal(walk(nonInviteClient, 'trying', ['200-699'], true).state, 'terminated');
  });
});

describe('INVITE server transaction (RFC 3261 17.2.1, RFC 6026 7.1)', () => {
  test('sends a failure again until its ACK', () => {
    const { state, actions } = walk(inviteServer, 'proceeding', ['respond 300-699', 'timer G', 'INVITE', 'ACK', 'ACK']);
    assert.equal(state, 'confirmed');
    assert.equal(actions.filter((action) => action === 'resend response').length, 2);
    assert.equal(walk(inviteServer, 'proceeding', ['respond 300-699', 'timer H']).state, 'terminated');
    assert.equal(walk(inviteServer, 'proceeding', ['respond 300-699', 'ACK'], true).state, 'terminated');
  });

  test('absorbs INVITEs after a 2xx until timer L, and remains when a response cannot be sent', () => {
    const { state, actions } = walk(inviteServer, 'proceeding', [
      'transport error',
      'respond 2xx',
      'INVITE',
      'timer L',
    ]);
    assert.equal(state, 'terminated');
    assert.deepEqual(actions, ['report transport error', 'start timer L', 'send response']);
  });
});

describe('non-INVITE server transaction (RFC 3261 17.2.2)', () => {
  test('answers copies of the request with its latest response', () => {
    const { actions } = walk(nonInviteServer, 'trying', [
      'request',
      'respond 1xx',
      'request',
      'respond 200-699',
      'request',
    ]);
    assert.equal(actions.filter((action) => action === 'resend response').length, 2);
    assert.equal(walk(nonInviteServer, 'completed', ['timer J']).state, 'terminated');
    assert.equal(walk(nonInviteServer, 'trying', ['respond 200-699'], true).state, 'terminated');
  });

  test('ends when its user never answers', () => {
    assert.deepEqual(walk(nonInviteServer, 'proceeding', ['timer unanswered']), {
      state: 'terminated',
      actions: ['report unanswered'],
    });
  });
});

test('events that a state does not allow throw', () => {
  assert.throws(() => inviteClient('terminated', '2xx', false), IllegalEvent);
  assert.throws(() => inviteClient('proceeding', 'timer A', false), IllegalEvent);
  assert.throws(() => inviteClient('calling', 'start', false), IllegalEvent);
  assert.throws(() => nonInviteClient('completed', 'timer F', false), IllegalEvent);
  assert.throws(() => nonInviteClient('terminated', '200-699', false), IllegalEvent);
  assert.throws(() => inviteServer('completed', 'respond 2xx', false), IllegalEvent);
  assert.throws(() => inviteServer('accepted', 'respond 300-699', false), IllegalEvent);
  assert.throws(() => inviteServer('confirmed', 'timer G', false), IllegalEvent);
  assert.throws(() => nonInviteServer('completed', 'respond 200-699', false), IllegalEvent);
  assert.throws(() => nonInviteServer('terminated', 'request', false), IllegalEvent);
});
