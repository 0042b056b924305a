// The scenarios of the SIPp parties, put together from steps. `[name]` are SIPp's own keywords and the keys it is given.

/** A whole scenario (SIPp's XML). */
export function scenario(name: string, ...steps: readonly string[]): string {
  return `<?xml version="1.0" encoding="ISO-8859-1" ?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="${name}">
${steps.join('\n')}
</scenario>
`;
}

const sdp = (direction: string, version: number) => `v=0
o=sipp 1 ${version} IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [rtp_port] RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=${direction}`;

const contact = 'Contact: <sip:[local_ip]:[local_port];transport=[transport]>';
const withSdp = (direction = 'sendrecv', version = 1) => `Content-Type: application/sdp
Content-Length: [len]

${sdp(direction, version)}`;
const withoutBody = 'Content-Length: 0\n\n';

/** Sends a message; `again`: until something answers it (RFC 3261 17.1.1.2, 13.3.1.4). */
function send(text: string, again = true): string {
  return `  <send${again ? ' retrans="500"' : ''}><![CDATA[
${text.trimEnd()}
${text.endsWith('\n\n') ? '\n' : ''}  ]]></send>`;
}

const response = (status: number | string, more: string) => `  <recv response="${status}" ${more}/>`;

// ---------------------------------------------------------------- who calls

/** A request of the caller within its dialog. */
const callerRequest = (line: string, sequence: number, method: string, rest: string) => `${line}
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
Max-Forwards: 70
From: <sip:[caller]@[local_ip]:[local_port];user=phone>;tag=[call_number]caller
To: <sip:[called]@[remote_ip]:[remote_port];user=phone>[peer_tag_param]
Call-ID: [call_id]
CSeq: ${sequence} ${method}
${contact}
${rest}`;

/** Calls `[called]` as `[caller]`, and acknowledges the answer; more header lines as they are. */
export function call(headers: readonly string[] = []): string {
  const extra = headers.map((line) => `${line}\n`).join('');
  const invite = `INVITE sip:[called]@[remote_ip]:[remote_port];user=phone SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:[caller]@[local_ip]:[local_port];user=phone>;tag=[call_number]caller
To: <sip:[called]@[remote_ip]:[remote_port];user=phone>
Call-ID: [call_id]
CSeq: 1 INVITE
${contact}
${extra}${withSdp()}`;
  return [
    send(invite),
    ...[100, 180, 183].map((status) => response(status, 'optional="true"')),
    response(200, 'rrs="true"'),
    send(callerRequest('ACK [next_url] SIP/2.0', 1, 'ACK', withoutBody), false),
  ].join('\n');
}

/** The caller's next request; `sequence` from 2 on. */
export function ask(method: 'INFO' | 'BYE', sequence: number, body?: { type: string; text: string }): string {
  const rest = body ? `Content-Type: ${body.type}\nContent-Length: [len]\n\n${body.text}` : withoutBody;
  return [
    send(callerRequest(`${method} [next_url] SIP/2.0`, sequence, method, rest)),
    response(100, 'optional="true"'),
    response(200, ''),
  ].join('\n');
}

/** Refuses a REFER. */
export const refusesRefer = (status: string) =>
  ['  <recv request="REFER"/>', send(answerInDialog(withoutBody).replace('200 OK', status), false)].join('\n');

/** Takes a REFER on, and says that it tries (RFC 3515 2.4.4); `sequence` is that of its NOTIFY. */
export const isReferred = (sequence: number) =>
  [
    '  <recv request="REFER"/>',
    send(answerInDialog(withoutBody).replace('200 OK', '202 Accepted'), false),
    tellsOfReferral('SIP/2.0 100 Trying', 'active;expires=60', sequence),
  ].join('\n');

/**
 * Tells how the call that it was referred to goes; `fragment` is a status line (RFC 3420). At the end of it our BYE may
 * overtake the answer within the network.
 */
export const tellsOfReferral = (fragment: string, state: string, sequence: number) =>
  [
    send(
      callerRequest(
        'NOTIFY [next_url] SIP/2.0',
        sequence,
        'NOTIFY',
        `Event: refer
Subscription-State: ${state}
Content-Type: message/sipfrag;version=2.0
Content-Length: [len]

${fragment}
`,
      ),
    ),
    response(200, state.startsWith('terminated') ? 'optional="true"' : ''),
  ].join('\n');

/** Calls `[called]`, is redirected (302), and acknowledges it. */
export function callThatIsRedirected(headers: readonly string[] = []): string {
  const whole = call(headers);
  const [invite = '', rest = ''] = whole.split('  <recv response="100"');
  const ack = callerRequest('ACK sip:[called]@[remote_ip]:[remote_port];user=phone SIP/2.0', 1, 'ACK', withoutBody);
  const [provisional = ''] = rest.split('  <recv response="200"');
  return [
    `${invite}  <recv response="100"${provisional.trimEnd()}`,
    response(302, ''),
    // RFC 3261 17.1.1.3: the ACK of a final response that is no 2xx belongs to the INVITE's transaction
    send(ack.replace('branch=[branch]', 'branch=[branch-1]').replace('\n[routes]', ''), false),
  ].join('\n');
}

/** The caller's re-INVITE: hold with `sendonly`, resume with `sendrecv`. */
export function reinvite(direction: string, sequence: number): string {
  return [
    send(callerRequest('INVITE [next_url] SIP/2.0', sequence, 'INVITE', withSdp(direction, sequence))),
    response(100, 'optional="true"'),
    response(200, ''),
    send(callerRequest('ACK [next_url] SIP/2.0', sequence, 'ACK', withoutBody), false),
  ].join('\n');
}

// ---------------------------------------------------------------- who is called

const answer = (status: string, rest: string) => `SIP/2.0 ${status}
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:];tag=[call_number]called
[last_Call-ID:]
[last_CSeq:]
${contact}
${rest}`;

/** Within the dialog the To tag is there already. */
const answerInDialog = (rest: string) => answer('200 OK', rest).replace(';tag=[call_number]called', '');

/** Is called; what its own BYE, or a 487 after the CANCEL, will need of the INVITE is remembered. */
export const isCalled = `  <recv request="INVITE" rrs="true"><action>
    <ereg regexp="[^ ].*" search_in="hdr" header="From:" assign_to="from"/>
    <ereg regexp="[^ ].*" search_in="hdr" header="To:" assign_to="to"/>
    <ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="sequence"/>
    <ereg regexp="[^ ].*" search_in="hdr" header="Via:" occurrence="1" assign_to="via"/>
    <ereg regexp="[^ ].*" search_in="hdr" header="Via:" occurrence="2" assign_to="secondVia"/>
  </action></recv>
  <Reference variables="from,to,sequence,via,secondVia"/>`;

/**
 * Gets the ACK for a final response. SIPp knows a retransmission only until it has sent a second message behind the first: an
 * INVITE (or CANCEL) that is repeated then, as RFC 3261 17.1.1.2 has it do until a response is there, would end the call at
 * SIPp as unexpected, and nothing would answer the BYE.
 */
const isAcknowledged = (repeated: 'INVITE' | 'CANCEL') =>
  `  <recv request="${repeated}" optional="true"/>\n  <recv request="ACK"/>`;

export const rings = send(answer('180 Ringing', withoutBody), false);
export const answers = [send(answer('200 OK', withSdp())), isAcknowledged('INVITE')].join('\n');
export const isBusy = [send(answer('486 Busy Here', withoutBody)), isAcknowledged('INVITE')].join('\n');

/** Gets CANCEL, answers it, and ends its INVITE, which came over one proxy, with 487 (RFC 3261 9.2). */
export const isCancelled = [
  '  <recv request="CANCEL"/>',
  send(answer('200 OK', withoutBody), false),
  send(
    answer('487 Request Terminated', withoutBody)
      .replace('[last_CSeq:]', 'CSeq: [$sequence] INVITE')
      .replace('[last_Via:]', 'Via: [$via]\nVia: [$secondVia]'),
  ),
  isAcknowledged('CANCEL'),
].join('\n');

/** Gets a re-INVITE, and answers it. */
export const isReinvited = (direction: string, version: number) =>
  ['  <recv request="INVITE"/>', send(answerInDialog(withSdp(direction, version))), '  <recv request="ACK"/>'].join(
    '\n',
  );

/** A request of the side that was called. */
const calledRequest = (method: string, sequence: number, rest: string) => `${method} [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
Max-Forwards: 70
From: [$to];tag=[call_number]called
To: [$from]
Call-ID: [call_id]
CSeq: ${sequence} ${method}
${contact}
${rest}`;

/** The side that was called hangs up; a NOTIFY may cross that. */
export const hangsUpAs = (sequence: number) =>
  [
    send(calledRequest('BYE', sequence, withoutBody)),
    '  <recv request="NOTIFY" optional="true"/>',
    response(200, ''),
  ].join('\n');
export const hangsUp = hangsUpAs(1);

/** The side that was called offers its voice anew: hold with `sendonly`, resume with `sendrecv`. */
export const reinvites = (direction: string, sequence: number) =>
  [
    send(calledRequest('INVITE', sequence, withSdp(direction, sequence + 1))),
    response(100, 'optional="true"'),
    response(200, ''),
    send(calledRequest('ACK', sequence, withoutBody), false),
  ].join('\n');

/** The side that was called presses its transfer key, and is accepted. */
export const refers = (to: string, sequence: number) =>
  [send(calledRequest('REFER', sequence, `Refer-To: <${to}>\n${withoutBody}`)), response(202, '')].join('\n');

/** Is told how its transfer goes (RFC 3515 2.4.5). */
export const isTold = (fragment: string) =>
  [
    `  <recv request="NOTIFY"><action>
    <ereg regexp="^${fragment}" search_in="body" check_it="true" assign_to="told"/>
  </action></recv>
  <Reference variables="told"/>`,
    send(answerInDialog(withoutBody), false),
  ].join('\n');

// ---------------------------------------------------------------- both

/** Gets a request within the dialog, and answers it with 200. */
export const isAsked = (method: 'INFO' | 'BYE') =>
  [`  <recv request="${method}"/>`, send(answerInDialog(withoutBody), false)].join('\n');

/** Waits until the test says go on (`Sipp.cue`). */
export const awaitCue = '  <recv request="MESSAGE"/>';

/** Milliseconds. */
export const waits = (milliseconds: number) => `  <pause milliseconds="${milliseconds}"/>`;
