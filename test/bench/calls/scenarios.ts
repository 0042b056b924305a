// What the two SIPp play: the network's callers, and the final phones. Built of what the peer tests play as well.
import { answers, ask, call, isAsked, rings, scenario, waits } from '../../support/sipp-scenarios.ts';

/** The service's number on the trunk, which the network rings beside that of the subscriber. */
export const secondCalled = '+8675529990000';
/** How long caller and final phone talk. Milliseconds. */
const talk = 200;

/** `[field0]` calls `[field1]`, whose number is diverted to us as the network's simultaneous ringing does it. */
const diverted = (...steps: readonly string[]): string =>
  silent(scenario('callers', ...steps))
    .replaceAll(/(?<=(INVITE|To:) <?sip:)\[called\]/g, secondCalled)
    .replaceAll('[caller]', '[field0]')
    .replaceAll('[called]', '[field1]');

const diversion = ['Diversion: <sip:[called]@ngn.example;user=phone>;reason=unconditional'];

/** Calls, talks a moment when it is connected, and hangs up. */
export const callers = diverted(call(diversion), waits(talk), ask('BYE', 2));

/** Calls, and waits until the service says that nobody takes it. */
export const waitingCallers = diverted(call(diversion).replace(/<recv response="200"[^]*$/, declined()));

/** A final response other than 2xx, and its ACK (RFC 3261 17.1.1.3). */
function declined(): string {
  return `<recv response="480"/>
  <send><![CDATA[
ACK sip:${secondCalled}@[remote_ip]:[remote_port];user=phone SIP/2.0
[last_Via:]
Max-Forwards: 70
[last_From:]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Content-Length: 0

  ]]></send>`;
}

/** No voice is sent, and port 9 (discard) is where none would be missed. */
function silent(text: string): string {
  return text.replaceAll('[rtp_port]', '9');
}

/** Rings, answers at once, and waits for the BYE. Writes down who called, and when the INVITE was there. */
export const finalPhones = silent(
  scenario(
    'final phones',
    `  <recv request="INVITE" rrs="true"><action>
    <ereg regexp="\\+[0-9]+" search_in="hdr" header="From:" assign_to="caller"/>
    <log message="[$caller] [timestamp]"/>
  </action></recv>`,
    rings,
    answers,
    isAsked('BYE'),
  ),
);
