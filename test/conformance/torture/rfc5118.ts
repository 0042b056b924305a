/** RFC 5118 4: IPv6. Three Content-Lengths of the RFC do not fit the bodies that it prints; they are kept as they stand. */
import { sip, type Torture } from './torture.ts';

/** The INVITE of 4.6 with the length given. */
const ipv6InSdp = (length: string): Buffer => sip`INVITE sip:user@[2001:db8::10] SIP/2.0
To: sip:user@[2001:db8::10]
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::20];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Contact: "Caller" <sip:caller@[2001:db8::20]>
CSeq: 8612 INVITE
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: ${length}

v=0
o=assistant 971731711378798081 0 IN IP6 2001:db8::20
s=Live video feed for today's meeting
c=IN IP6 2001:db8::20
t=3338481189 3370017201
m=audio 6000 RTP/AVP 2
a=rtpmap:2 G726-32/8000
m=video 6024 RTP/AVP 107
a=rtpmap:107 H263-1998/90000
`;

export const ipv6: readonly Torture[] = [
  {
    name: 'ipv6-good',
    clause: '4.1',
    title: 'valid SIP message with an IPv6 reference',
    asks: 'read',
    parsed: 'read',
    answered: 405,
    octets: sip`REGISTER sip:[2001:db8::10] SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8::1]>
CSeq: 98176 REGISTER
Content-Length: 0

`,
  },
  {
    name: 'ipv6-bad',
    clause: '4.2',
    title: 'invalid SIP message with an IPv6 reference',
    asks: '400',
    parsed: 400,
    answered: 400,
    octets: sip`REGISTER sip:2001:db8::10 SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8::1]>
CSeq: 98176 REGISTER
Content-Length: 0

`,
  },
  {
    name: 'port-ambiguous',
    clause: '4.3',
    title: 'port ambiguous in a SIP URI',
    asks: 'the number within the brackets belongs to the address',
    parsed: 'read',
    answered: 405,
    octets: sip`REGISTER sip:[2001:db8::10:5070] SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Contact: "Caller" <sip:caller@[2001:db8::1]>
Max-Forwards: 70
CSeq: 98176 REGISTER
Content-Length: 0

`,
  },
  {
    name: 'port-unambiguous',
    clause: '4.4',
    title: 'port unambiguous in a SIP URI',
    asks: 'the number behind the brackets is the port',
    parsed: 'read',
    answered: 405,
    octets: sip`REGISTER sip:[2001:db8::10]:5070 SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Contact: "Caller" <sip:caller@[2001:db8::1]>
Max-Forwards: 70
CSeq: 98176 REGISTER
Content-Length: 0

`,
  },
  {
    name: 'via-received-param-with-delim',
    clause: '4.5',
    title: 'IPv6 reference delimiters in Via header',
    asks: 'received is taken with brackets, too',
    parsed: 'read',
    answered: 481,
    octets: sip`BYE sip:[2001:db8::10] SIP/2.0
To: sip:user@example.com;tag=bd76ya
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Max-Forwards: 70
CSeq: 321 BYE
Content-Length: 0

`,
  },
  {
    name: 'via-received-param-no-delim',
    clause: '4.5',
    title: 'no IPv6 reference delimiters in Via header',
    asks: 'received is taken without brackets',
    parsed: 'read',
    answered: 200,
    octets: sip`OPTIONS sip:[2001:db8::10] SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3
Call-ID: SSG95523997077@hlau_4100
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8::9:1]>
CSeq: 921 OPTIONS
Content-Length: 0

`,
  },
  {
    name: 'ipv6-in-sdp',
    clause: '4.6',
    title: 'SIP request with IPv6 addresses in SDP body, the length as printed',
    asks: 'read; as printed the length is longer than the body, which is 3.1.2.2 of RFC 4475',
    parsed: 400,
    answered: 400,
    onStream: 'nothing',
    octets: ipv6InSdp('268'),
  },
  {
    name: 'ipv6-in-sdp',
    clause: '4.6',
    title: 'SIP request with IPv6 addresses in SDP body, the length as it is',
    asks: 'read',
    parsed: 'read',
    answered: 'call',
    octets: ipv6InSdp('251'),
  },
  {
    name: 'mult-ip-in-header',
    clause: '4.7',
    title: 'multiple IP addresses in SIP headers',
    asks: 'IPv4 and IPv6 side by side',
    parsed: 'read',
    answered: 481,
    octets: sip`BYE sip:user@host.example.net SIP/2.0
Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144
Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200
Call-ID: 997077@lau_4100
Max-Forwards: 70
CSeq: 89187 BYE
To: sip:user@example.net;tag=9817--94
From: sip:user@example.com;tag=81x2
Content-Length: 0

`,
  },
  {
    name: 'mult-ip-in-sdp',
    clause: '4.8',
    title: 'multiple IP addresses in SDP',
    asks: 'read; as printed the length ends within the last line',
    parsed: 'read',
    answered: 'call',
    octets: sip`INVITE sip:user@[2001:db8::10] SIP/2.0
To: sip:user@[2001:db8::10]
From: sip:user@example.com;tag=81x2
Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Contact: "Caller" <sip:caller@[2001:db8::9:1]>
Max-Forwards: 70
CSeq: 8912 INVITE
Content-Type: application/sdp
Content-Length: 181

v=0
o=bob 280744730 28977631 IN IP4 host.example.com
s=
t=0 0
m=audio 22334 RTP/AVP 0
c=IN IP4 192.0.2.1
m=video 6024 RTP/AVP 107
c=IN IP6 2001:db8::1
a=rtpmap:107 H263-1998/90000
`,
  },
  {
    name: 'ipv4-mapped-ipv6',
    clause: '4.9',
    title: 'IPv4-mapped IPv6 addresses',
    asks: 'read; as printed the length ends within the last line',
    parsed: 'read',
    answered: 'call',
    octets: sip`INVITE sip:user@example.com SIP/2.0
To: sip:user@example.com
From: sip:user@east.example.com;tag=81x2
Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19
Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111
Call-ID: SSG9559905523997077@hlau_4100
Contact: "T. desk phone" <sip:ted@[::ffff:192.0.2.2]>
CSeq: 612 INVITE
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: 236

v=0
o=assistant 971731711378798081 0 IN IP6 ::ffff:192.0.2.2
s=Call me soon, please!
c=IN IP6 ::ffff:192.0.2.2
t=3338481189 3370017201
m=audio 6000 RTP/AVP 2
a=rtpmap:2 G726-32/8000
m=video 6024 RTP/AVP 107
a=rtpmap:107 H263-1998/90000
`,
  },
  {
    name: 'ipv6-bug-abnf-3-colons',
    clause: '4.10',
    title: 'IPv6 reference bug in RFC 3261 ABNF',
    asks: 'taken, though it is written wrongly: RFC 3261 had told to',
    parsed: 'read',
    answered: 200,
    octets: sip`OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0
To: sip:user@[2001:db8:::192.0.2.1]
From: sip:user@example.com;tag=810x2
Via: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111
Call-ID: G9559905523997077@hlau_4100
CSeq: 689 OPTIONS
Max-Forwards: 70
Content-Length: 0

`,
  },
  {
    name: 'ipv6-correct-abnf-2-colons',
    clause: '4.10',
    title: 'IPv6 reference by the right ABNF',
    asks: 'read',
    parsed: 'read',
    answered: 200,
    octets: sip`OPTIONS sip:user@[2001:db8::192.0.2.1] SIP/2.0
To: sip:user@[2001:db8::192.0.2.1]
From: sip:user@example.com;tag=810x2
Via: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111
Call-ID: G9559905523997077@hlau_4100
CSeq: 689 OPTIONS
Max-Forwards: 70
Content-Length: 0

`,
  },
];
