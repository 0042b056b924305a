import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../../src/admin/metrics.ts';

/** The value of one sample, `name{label="value"}`, in Prometheus' text. */
async function sample(metrics: ReturnType<typeof createMetrics>, name: string): Promise<number | undefined> {
  const line = (await metrics.text()).split('\n').find((text) => text.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

test('calls are in one state each, and in none when they ended', async () => {
  const metrics = createMetrics();
  const { calls } = metrics;
  calls.callState(undefined, 'arriving');
  calls.callState(undefined, 'arriving');
  calls.callState('arriving', 'waiting');
  assert.equal(await sample(metrics, 'ringaway_calls{state="arriving"}'), 1);
  assert.equal(await sample(metrics, 'ringaway_calls{state="waiting"}'), 1);
  calls.callState('waiting', 'ended');
  calls.callEnded('caller-hung-up');
  assert.equal(await sample(metrics, 'ringaway_calls{state="waiting"}'), 0);
  assert.equal(await sample(metrics, 'ringaway_calls_ended_total{reason="caller-hung-up"}'), 1);
  assert.equal(await sample(metrics, 'ringaway_calls_ended_total{reason="completed"}'), 0);
});

test('times of steps are told in seconds', async () => {
  const metrics = createMetrics();
  metrics.calls.step('decide', 3_000);
  assert.equal(await sample(metrics, 'ringaway_call_step_seconds_sum{step="decide"}'), 3);
  assert.equal(await sample(metrics, 'ringaway_call_step_seconds_bucket{le="2.5",step="decide"}'), 0);
  assert.equal(await sample(metrics, 'ringaway_call_step_seconds_bucket{le="5",step="decide"}'), 1);
});

test('what others count is read at each scrape, never added to what was read before', async () => {
  const metrics = createMetrics();
  const sip = {
    received: { INVITE: 2, '200': 3, '202': 1, '486': 1 },
    sent: { '180': 2 },
    malformed: 4,
    stray: 5,
    refused: 9,
    scanners: 10,
    retransmissionsIn: 6,
    retransmissionsOut: 7,
    dialogs: 8,
    connections: { standing: 4, givenUp: { silent: 6 } },
    transactions: { clients: 3, servers: 4 },
  };
  const engine = {
    ...{ engine: 'udp://192.0.2.1:2223', up: true, draining: false, sessions: 12, roundTripMs: 1.5 },
    ...{ resent: 13, strays: 14, toRemove: 15 },
  };
  let terminals = 1;
  metrics.observe({
    sip: () => sip,
    trunks: () => ({ refusedPeers: 9 }),
    legs: () => 6,
    terminals: () => ({ terminals, accounts: 1, logins: { ok: 2, locked: 1 }, notified: 3, received: 2 }),
    unhandledRejections: () => 1,
    media: () => ({
      engines: [engine],
      counts: { lost: 1, relocated: 2, silent: 3, leftBehind: 4 },
      digits: { taken: 5, unwanted: 6, repeated: 7, unreadable: 8, stranger: 9, excess: 10 },
    }),
  });
  await metrics.text();
  terminals = 5;
  const wanted = {
    'ringaway_sip_messages_received_total{kind="INVITE"}': 2,
    'ringaway_sip_messages_received_total{kind="2xx"}': 4,
    'ringaway_sip_messages_received_total{kind="4xx"}': 1,
    'ringaway_sip_messages_sent_total{kind="1xx"}': 2,
    'ringaway_sip_faults_total{fault="malformed"}': 4,
    'ringaway_sip_faults_total{fault="refused"}': 9,
    'ringaway_sip_faults_total{fault="scanner"}': 10,
    'ringaway_sip_faults_total{fault="retransmission-out"}': 7,
    ringaway_sip_connections: 4,
    'ringaway_sip_connections_given_up_total{why="silent"}': 6,
    ringaway_sip_dialogs: 8,
    ringaway_sip_transactions: 7,
    ringaway_trunk_legs: 6,
    'ringaway_trunk_events_total{event="refusedPeers"}': 9,
    ringaway_terminals_connected: 5,
    'ringaway_terminal_logins_total{outcome="locked"}': 1,
    'ringaway_notifications_total{event="acknowledged"}': 2,
    ringaway_unhandled_rejections_total: 1,
    'ringaway_media_engine_up{engine="udp://192.0.2.1:2223"}': 1,
    'ringaway_media_engine_draining{engine="udp://192.0.2.1:2223"}': 0,
    'ringaway_media_sessions{engine="udp://192.0.2.1:2223"}': 12,
    'ringaway_media_removals_owed{engine="udp://192.0.2.1:2223"}': 15,
    'ringaway_media_engine_round_trip_seconds{engine="udp://192.0.2.1:2223"}': 0.0015,
    'ringaway_media_datagrams_total{engine="udp://192.0.2.1:2223",kind="stray"}': 14,
    'ringaway_media_events_total{event="left-behind"}': 4,
    'ringaway_media_digit_reports_total{kind="taken"}': 5,
    'ringaway_media_digit_reports_total{kind="excess"}': 10,
  };
  for (const [name, value] of Object.entries(wanted)) assert.equal(await sample(metrics, name), value, name);
});

test('the process and its event loop are measured; two sets of metrics do not meet', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.calls.callEnded('completed');
  assert.equal(await sample(other, 'ringaway_calls_ended_total{reason="completed"}'), 0);
  assert.notEqual(await sample(one, 'nodejs_eventloop_lag_p99_seconds'), undefined);
  assert.notEqual(await sample(one, 'process_resident_memory_bytes'), undefined);
});
