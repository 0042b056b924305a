// What the two SIPp play.
const sdp = `v=0
o=bench 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 40000 RTP/AVP 8 0 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=ptime:20
a=sendrecv
`;

const scenario = (...steps: readonly string[]): string =>
  `<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="bench">\n${steps.join('\n')}\n</scenario>\n`;

const send = (attributes: string, text: string): string =>
  `  <send ${attributes}><![CDATA[\n${text.replace(/^/gm, '    ').replace(/^ +$/gm, '')}\n  ]]></send>`;

const withSdp = `Content-Type: application/sdp\nContent-Length: [len]\n\n${sdp}`;
const withoutBody = 'Content-Length: 0\n';

const fromCaller = (line: string, via: string, to: string, cseq: string, rest: string): string => `${line}
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=${via}
Max-Forwards: 70
From: "Caller" <sip:+81312345678@[local_ip]:[local_port]>;tag=[call_number]caller
To: ${to}
Call-ID: [call_id]
CSeq: ${cseq}
Contact: <sip:caller@[local_ip]:[local_port]>
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE
Supported: timer
P-Asserted-Identity: <sip:+81312345678@[local_ip]>
User-Agent: SIPp
${rest}`;

const to = '<sip:called@[remote_ip]:[remote_port]>';
const setUp = [
  send(
    'retrans="500" start_rtd="setup"',
    fromCaller('INVITE sip:called@[remote_ip]:[remote_port] SIP/2.0', '[branch]', to, '1 INVITE', withSdp),
  ),
  '  <recv response="100" optional="true"/>',
  '  <recv response="180"/>',
  '  <recv response="200" rtd="setup" rrs="true"/>',
  send('', fromCaller('ACK [next_url] SIP/2.0', '[branch]', `${to}[peer_tag_param]`, '1 ACK', withoutBody)),
];

const response = (status: string, tag: string, rest: string): string => `SIP/2.0 ${status}
[last_Via:]
[last_From:]
[last_To:]${tag}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:called@[local_ip]:[local_port]>
${rest}`;

const isHungUp = ['  <recv request="BYE"/>', send('', response('200 OK', '', withoutBody))];

/** Calls, and hangs up as soon as it is answered. */
export const callsAndHangsUp = scenario(
  ...setUp,
  send(
    'retrans="500"',
    fromCaller('BYE [next_url] SIP/2.0', '[branch]', `${to}[peer_tag_param]`, '2 BYE', withoutBody),
  ),
  '  <recv response="200"/>',
);

/** Calls, and waits until the other side hangs up. */
export const callsAndStays = scenario(...setUp, ...isHungUp);

/** Rings, answers at once, and waits until the other side hangs up. */
export const answers = scenario(
  '  <recv request="INVITE"/>',
  send('', response('180 Ringing', ';tag=[call_number]called', withoutBody)),
  send('retrans="500"', response('200 OK', ';tag=[call_number]called', withSdp)),
  '  <recv request="ACK"/>',
  ...isHungUp,
);
